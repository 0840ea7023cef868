import Buffers
import Testing

@Suite("An aligned buffer")
struct AlignedBufferTests {
  @Test("stands on a 64-byte boundary at every capacity and after growing")
  func alignment() {
    for capacity in [0, 1, 7, 64, 65, 1000] {
      var buffer = AlignedBuffer<Float>(capacity: capacity)
      #expect(UInt(bitPattern: buffer.base) % 64 == 0)
      for index in 0..<capacity + 100 { buffer.append(Float(index)) }
      #expect(UInt(bitPattern: buffer.base) % 64 == 0)
    }
  }

  @Test("keeps its elements, in order, while it grows")
  func growth() {
    var buffer = AlignedBuffer<Int>()
    for index in 0..<10_000 { buffer.append(index) }
    #expect(buffer.count == 10_000)
    #expect(buffer.elements.enumerated().allSatisfy { $0.offset == $0.element })
    #expect(buffer.capacity < 40_000)
  }

  @Test("moves the rest to the front when its first elements go")
  func removal() {
    var buffer = ByteBuffer()
    buffer.append("abcdef")
    buffer.removeFirst(2)
    #expect(buffer.elements.elementsEqual("cdef".utf8))
    buffer.truncate(to: 1)
    #expect(buffer.elements.elementsEqual("c".utf8))
    buffer.removeFirst(1)
    #expect(buffer.count == 0)
  }

  @Test("takes the UTF-8 of any text")
  func text() {
    var buffer = ByteBuffer()
    buffer.append(text: "Größe ≥ ")
    buffer.append("π")
    #expect(String(decoding: buffer.elements, as: UTF8.self) == "Größe ≥ π")
  }

  @Test("counts what was really written into the room it offered")
  func room() {
    var buffer = AlignedBuffer<UInt16>(repeating: 7, count: 3)
    let written = buffer.append(upTo: 100) { room in
      room[0] = 1
      room[1] = 2
      return 2
    }
    #expect(written == 2)
    #expect(Array(buffer.elements) == [7, 7, 7, 1, 2])
    buffer.append(contentsOf: UnsafeBufferPointer(start: nil, count: 0))
    #expect(buffer.count == 5)
  }

  @Test("gives its room back when cleared above the limit, and keeps it below")
  func clearing() {
    var buffer = ByteBuffer(repeating: 1, count: 1000)
    buffer.clear(keepingAtMost: 2000)
    #expect(buffer.count == 0)
    #expect(buffer.capacity == 1000)
    buffer.clear(keepingAtMost: 10)
    #expect(buffer.capacity == 0)
    buffer.append(9)
    #expect(buffer[0] == 9)
  }

  @Test("is filled by its initialiser, element by element")
  func filling() {
    let buffer = AlignedBuffer<Double>(count: 5) { room in
      for index in room.indices { room.initializeElement(at: index, to: Double(index) / 2) }
    }
    #expect(Array(buffer.elements) == [0, 0.5, 1, 1.5, 2])
    #expect(buffer.bytes.count == 40)
  }
}
