"""Workers of a cluster of dask."""

from __future__ import annotations

import queue
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import cloudpickle

from ..progress import Counts
from ..scikit_learn import in_settings_of_now
from .held import forget, held
from .mail import CountsByMail, Message
from .pool import Pool
from .tasks import Losses, Task, perform_elsewhere
from .undisturbed import undisturbed

# How long a search waits for the first of its workers to come back after all are gone.
SECONDS_WITHOUT_WORKERS = 300.0
# How often it looks whether there are any.
SECONDS_BETWEEN_LOOKS = 1.0
# How often data are sent before a connection that breaks meanwhile ends the search.
TIMES_SENT = 5
# Bytes of arguments from which they are sent to a worker rather than put into dask's graph.
LARGE = 2**20


class DaskPool(Pool):
    """The threads of the workers of a cluster of dask, each of which is one worker of the search.

    X and y go to every worker process once, through dask's scatter, and are held there: tasks carry
    the name under which they are, and only a process that lacks them, such as a new one, is sent
    them with a task.  dask itself runs a task again whose worker process has died, as often as
    ``distributed.scheduler.allowed-failures`` says.

    Parameters
    ----------
    search : LossSearch
    backend : DaskDistributedBackend
        That of joblib, which has the client and the options of `submit`.
    n_workers : int
    """

    is_spread = True
    keeps_steps = True

    def __init__(self, search: Any, backend: Any, n_workers: int) -> None:
        self.search, self.backend, self.client = search, backend, backend.client
        self.n_workers = n_workers
        self._shared: dict[int, tuple[Any, Any]] = {}
        # By the id of the search's worker: it, the name it is held by, and how many have got it.
        self._names: dict[int, tuple[Any, str]] = {}
        self._sent: Counter[str] = Counter()

    def __exit__(self, *_: object) -> None:
        """Let workers forget X and y."""
        self._shared.clear()
        for _, name in self._names.values():
            with suppress(Exception):
                self.client.run(forget, name, wait=False, on_error="ignore")

    def name_of(self, worker: Any) -> str:
        """Return the name by which worker processes hold a worker with its rows."""
        return self._names.setdefault(id(worker), (worker, uuid.uuid4().hex))[1]

    def is_known_to_all(self, name: str) -> bool:
        """Return whether as many tasks as there are workers have carried what has a name."""
        self._sent[name] += 1
        return self._sent[name] > self.n_workers

    @cached_property
    def memory(self) -> float:  # type: ignore[override]
        """Bytes that the tasks have together which run at a time."""
        workers = self.client.scheduler_info(n_workers=-1)["workers"].values()
        of_threads = [(each["memory_limit"] or 2**33) / each["nthreads"] for each in workers]
        return self.n_workers * min(of_threads, default=2**33)

    def counts(self, n_stacks: int, checkpoint: Any = None) -> Counts:
        """Return what counts epochs that come through a queue of the scheduler."""
        from distributed import Queue

        mailbox = Queue(f"sklloss-{uuid.uuid4().hex}", client=self.client)
        fetch = partial(mailbox.get, batch=True)
        post = PostOnDask(mailbox.name)
        return CountsByMail(n_stacks, post, fetch, mailbox.close, checkpoint)

    def completed(
        self, worker: Any, tasks: Sequence[Task], counts: Counts
    ) -> Iterator[tuple[int, Any]]:
        """Yield positions and results of tasks as they arrive."""
        # A search inside a task of dask leaves its thread to the tasks that it waits for.
        with self.backend.retrieval_context():
            calls = _Calls(self, worker, tasks, counts)
            try:
                yield from calls.completed()
            finally:
                calls.cancel()

    def shared(self, of: Any, part: Callable[[], Any]) -> Any:
        """Return the future of a part of something, which every worker process holds once."""
        # That of which it is a part is kept, so that nothing else takes its id.
        if id(of) not in self._shared:
            self._shared[id(of)] = of, self.scattered(part(), broadcast=True)
        return self._shared[id(of)][1]

    def scattered(self, thing: Any, broadcast: bool = False) -> Any:
        """Return the future of something that is sent to workers.

        A worker that dies while it receives ends dask's call, which is then repeated.
        """
        options = {"hash": False, "timeout": SECONDS_WITHOUT_WORKERS}
        for _ in range(TIMES_SENT - 1):
            with suppress(OSError):
                return self.client.scatter(thing, broadcast=broadcast, **options)
            time.sleep(SECONDS_BETWEEN_LOOKS)
        return self.client.scatter(thing, broadcast=broadcast, **options)

    def share_again(self) -> None:
        """Forget what was sent to workers, since these are gone with it."""
        self._shared = {}


class _Calls:
    """Tasks on their way: as many at a time as there are workers."""

    def __init__(self, pool: DaskPool, worker: Any, tasks: Sequence[Task], counts: Counts) -> None:
        self.pool, self.worker, self.tasks, self.counts = pool, worker, tasks, counts
        self.perform = in_settings_of_now(perform_by_name)
        self.losses = Losses(type(pool.search).__name__)
        self.waiting = list(range(len(tasks)))[::-1]
        self.going: dict[Any, int] = {}
        self.done: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def completed(self) -> Iterator[tuple[int, Any]]:
        """Yield positions and results."""
        while self.waiting or self.going:
            while self.waiting and len(self.going) < self.pool.n_workers:
                self._submit(self.waiting.pop())
            future = self._next()
            position = self.going.pop(future)
            try:
                result = self._result(future, position)
            except _LostError as lost:
                self._run_again(position, lost)
            else:
                if isinstance(result, Missing):
                    self._submit(position, with_data=True)
                else:
                    yield position, result

    def cancel(self) -> None:
        """Cancel the tasks that are still on their way."""
        if self.going:
            with suppress(Exception):
                self.pool.client.cancel(list(self.going))

    def _submit(self, position: int, with_data: bool = False) -> None:
        """Start a task, with X and y if worker processes may lack them."""
        task, name = self.tasks[position], self.pool.name_of(self.worker)
        call: Any = cloudpickle.dumps(task)
        if len(call) > LARGE:
            call = self.pool.scattered(call)
        data: list[Any] = []
        if not self.pool.is_known_to_all(name) or with_data:
            data = [
                self.pool.shared(self.worker, self.worker.without_rows),
                self.pool.shared(self.worker.data.X, self.worker.data.without_splits),
            ]
        key = f"sklloss-{task.method}-{uuid.uuid4().hex}"
        options = {"key": key, "pure": False, **self.pool.backend.submit_kwargs}
        future = self.pool.client.submit(self.perform, name, call, *data, **options)
        self.going[future] = position
        future.add_done_callback(self.done.put)

    def _next(self) -> Any:
        """Return the next future that is done; raise if there are no workers for long."""
        without_since = None
        while True:
            with suppress(queue.Empty):
                return self.done.get(timeout=SECONDS_BETWEEN_LOOKS)
            now = time.monotonic()
            if self.pool.client.scheduler_info(n_workers=1)["workers"]:
                without_since = None
            elif without_since is None:
                without_since = now
            elif now - without_since > SECONDS_WITHOUT_WORKERS:
                raise RuntimeError(
                    f"{self.losses.owner} has had no worker of dask for"
                    f" {SECONDS_WITHOUT_WORKERS:.0f} seconds. Start workers that connect to"
                    f" {self.pool.client.scheduler.address}, and search again."
                )

    def _result(self, future: Any, position: int) -> Any:
        """Return the result of a future; raise `_LostError` if it is lost with its worker."""
        from distributed.client import FutureCancelledError
        from distributed.scheduler import KilledWorker

        try:
            return future.result()
        except KilledWorker as error:
            self.losses.give_up(self.tasks[position], error.allowed_failures + 1, error)
        except FutureCancelledError as error:
            raise _LostError from error
        finally:
            # An error that is kept somewhere would keep it in the scheduler.
            future.release()

    def _run_again(self, position: int, lost: _LostError) -> None:
        """Run a task again that was lost because the last worker which had X is gone."""
        if self.pool.client.status != "running":
            raise ConnectionError(
                f"{self.losses.owner} has lost its connection to the scheduler of dask. Connect a"
                " new Client, and search again; with a checkpoint, it continues where it was."
            ) from lost.__cause__
        self.losses.add(position, self.tasks[position], lost.__cause__ or lost)
        self.counts.reset(position)
        self.pool.share_again()
        self.waiting.append(position)


class _LostError(Exception):
    """A task is lost with its worker, or with the data that it needs."""


class Missing:
    """Says that a worker process lacks the rows for a task."""


def perform_by_name(name: str, call: bytes, *data: Any) -> Any:
    """Return what comes of a task, or `Missing`.

    Parameters
    ----------
    name : str
        By which this process holds the worker with its rows.
    call : bytes
        The task.
    *data
        The worker without rows, and the rows, where this process may lack them.
    """
    task: Task = cloudpickle.loads(call)
    arguments = tuple(WatchedSlot(a) if hasattr(a, "wants_state") else a for a in task.arguments)
    fetch = partial(data[0].with_rows_of, data[1]) if data else lambda: None
    with undisturbed(), held.using(name, fetch) as worker:
        if worker is None:
            return Missing()
        return perform_elsewhere(worker, replace(task, arguments=arguments))


class CancelledTaskError(BaseException):
    """Ends a task whose search is over; no `except Exception` takes it for a failed fit."""


class WatchedSlot:
    """A slot through which a task ends at its next epoch once dask has cancelled it.

    Parameters
    ----------
    slot : MailSlot or Slot
    """

    def __init__(self, slot: Any) -> None:
        from distributed import get_worker

        self.slot, self.worker = slot, get_worker()
        self.key = self.worker.get_current_task()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.slot, name)

    def add(self, n_epochs: int) -> None:
        """Count epochs as done."""
        task = self.worker.state.tasks.get(self.key)
        if task is None or task.state == "cancelled":
            raise CancelledTaskError
        self.slot.add(n_epochs)


@dataclass(frozen=True)
class PostOnDask:
    """Sends messages from a task of dask to a queue of the scheduler, without waiting.

    Attributes
    ----------
    name : str
        That of the queue.
    """

    name: str

    def __call__(self, message: Message) -> None:
        """Send a message."""
        from distributed import get_worker

        worker = get_worker()
        worker.loop.add_callback(self._put, worker, message)

    async def _put(self, worker: Any, message: Message) -> None:
        # The search may be over, and its queue closed.
        with suppress(Exception):
            await worker.scheduler.queue_put(data=list(message), name=self.name, timeout=None)
