/// A request as a handler sees it: the parsed head and the whole body.
public struct Request: ~Copyable {
  /// Method, target and header fields.
  public let head: RequestHead
  /// The body after transfer decoding. Valid only during the call that received the request.
  public let body: UnsafeRawBufferPointer

  /// A request of `head` and `body`; whoever makes it keeps the body's memory alive.
  public init(head: RequestHead, body: UnsafeRawBufferPointer) {
    self.head = head
    self.body = body
  }
}
