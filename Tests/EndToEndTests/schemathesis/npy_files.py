"""What schemathesis has to know of application/x-npy: how to write and read it."""

import base64
import io

import numpy as np
import schemathesis


@schemathesis.serializer("application/x-npy")
def write(_, value):
    """The bytes of an example or of what was generated; for what is no file, a small one."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, dict) and "x-base64" in value:
        return base64.b64decode(value["x-base64"])
    file = io.BytesIO()
    np.save(file, np.arange(25, dtype="float32").reshape(5, 5))
    return file.getvalue()


@schemathesis.deserializer("application/x-npy")
def read(_, response):
    return np.load(io.BytesIO(response.content)).tolist()
