"""Count the bytes that go through the sockets of dask's worker processes.

Everything that a worker of dask receives and sends, whether from the scheduler or from other
workers, goes through streams of tornado. Their two methods that read from and write to a socket
return the number of bytes; ``begin_to_count`` wraps them in each worker process.
"""

from typing import Any


def begin_to_count() -> None:
    """Count the bytes of this process from now on."""
    from tornado.iostream import IOStream

    if not hasattr(IOStream, "bytes_counted"):
        IOStream.read_from_fd = counting(IOStream.read_from_fd, "received")
        IOStream.write_to_fd = counting(IOStream.write_to_fd, "sent")
    IOStream.bytes_counted = {"received": 0, "sent": 0}


def counting(method: Any, way: str) -> Any:
    from tornado.iostream import IOStream

    def counted(stream: Any, *arguments: Any) -> int | None:
        n_bytes = method(stream, *arguments)
        IOStream.bytes_counted[way] += n_bytes or 0
        return n_bytes

    return counted


def counts() -> dict[str, int]:
    """Return the bytes of this process since `begin_to_count`."""
    from tornado.iostream import IOStream

    return dict(IOStream.bytes_counted)


def times_the_data(client: Any, n_bytes: int) -> dict[str, float]:
    """Return what each worker has received and sent, on average, in multiples of some bytes."""
    of_workers = client.run(counts).values()
    return {
        way: sum(each[way] for each in of_workers) / len(of_workers) / n_bytes
        for way in ("received", "sent")
    }
