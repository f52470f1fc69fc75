"""Workers of a cluster of ray."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import ray
from ray.util.queue import Queue

from ..progress import Counts
from ..scikit_learn import in_settings_of_now
from .held import held
from .mail import CountsByMail, Message
from .pool import Pool
from .tasks import Losses, Task, perform_elsewhere

# How long a look at the mail may take.
SECONDS_OF_LOOK = 5.0


def n_cpus() -> int:
    """Return the CPUs of the cluster; ray is started where it is not, as its own backend does."""
    if not ray.is_initialized():
        ray.init()
    return int(ray.cluster_resources().get("CPU", 1))


class RayPool(Pool):
    """Worker processes of a cluster of ray, one CPU each unless ``ray_remote_args`` says otherwise.

    X and y go to the object store of each machine once, and from there to its processes without a
    copy.

    Parameters
    ----------
    search : LossSearch
    backend : RayBackend
        That of joblib, which has the options of tasks.
    n_workers : int
    """

    is_spread = True
    keeps_steps = True

    def __init__(self, search: Any, backend: Any, n_workers: int) -> None:
        self.search, self.options = search, backend.ray_remote_args or {}
        self.n_workers = n_workers
        self.memory = float(ray.cluster_resources().get("memory", 2**33))
        # By the ids of searches' workers: these, a name, and the references to them and to X.
        self._shared: dict[int, tuple[Any, str, list[Any]]] = {}
        self._rows: dict[int, tuple[Any, Any]] = {}

    def __exit__(self, *_: object) -> None:
        """Let the object stores forget X and y."""
        self._shared.clear()
        self._rows.clear()

    def counts(self, n_stacks: int, checkpoint: Any = None) -> Counts:
        """Return what counts epochs that come through an actor."""
        mailbox = Queue(actor_options={"num_cpus": 0})
        post, fetch = PostOnRay(mailbox.actor), partial(_mail, mailbox.actor)
        return CountsByMail(n_stacks, post, fetch, mailbox.shutdown, checkpoint)

    def completed(
        self, worker: Any, tasks: Sequence[Task], counts: Counts
    ) -> Iterator[tuple[int, Any]]:
        """Yield positions and results of tasks as they arrive."""
        waiting, going = list(range(len(tasks)))[::-1], dict[Any, int]()
        losses = Losses(type(self.search).__name__)
        try:
            while waiting or going:
                while waiting and len(going) < self.n_workers:
                    position = waiting.pop()
                    going[self._submit(worker, tasks[position])] = position
                (reference, *_), _ = ray.wait(list(going), num_returns=1)
                position = going.pop(reference)
                try:
                    result = _result(reference)
                except LOST as error:
                    losses.add(position, tasks[position], error)
                    counts.reset(position)
                    waiting.append(position)
                else:
                    yield position, result
        finally:
            for reference in going:
                with suppress(Exception):
                    ray.cancel(reference)

    def _submit(self, worker: Any, task: Task) -> Any:
        """Start a task and return the reference to its result."""
        if id(worker) not in self._shared:
            references = [ray.put(worker.without_rows()), self._rows_of(worker.data)]
            self._shared[id(worker)] = worker, uuid.uuid4().hex, references
        _, name, references = self._shared[id(worker)]
        options = {**self.options, "max_retries": 0, "name": f"sklloss: {task.method}"}
        call = in_settings_of_now(perform_in_process)
        return _on_ray.options(**options).remote(call, name, references, task)

    def _rows_of(self, data: Any) -> Any:
        """Return the reference to X, y and what goes with them."""
        if id(data.X) not in self._rows:
            self._rows[id(data.X)] = data.X, ray.put(data.without_splits())
        return self._rows[id(data.X)][1]


# What says that a task, or what it needs, was lost with a process or a machine.
LOST = (
    ray.exceptions.WorkerCrashedError,
    ray.exceptions.OutOfMemoryError,
    ray.exceptions.NodeDiedError,
    ray.exceptions.LocalRayletDiedError,
    ray.exceptions.ObjectLostError,
)


def _result(reference: Any) -> Any:
    """Return the result of a task, or raise what it has raised."""
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, BaseException):
            raise error.cause from error
        raise


@ray.remote
def _on_ray(call: Any, *arguments: Any) -> Any:
    """Call a function in a worker process of ray."""
    return call(*arguments)


def perform_in_process(name: str, references: Sequence[Any], task: Task) -> Any:
    """Return what comes of a task, in a process that may hold the worker and the rows already.

    Parameters
    ----------
    name : str
        That of the worker.
    references : sequence of two ObjectRef
        To the worker without rows, and to the rows.
    task : Task
    """

    def fetch() -> Any:
        worker, rows = ray.get(list(references))
        return worker.with_rows_of(rows)

    with held.using(name, fetch) as worker:
        return perform_elsewhere(worker, task)


def _mail(actor: Any) -> list[Message]:
    """Return the messages that have come."""
    n_messages = ray.get(actor.qsize.remote(), timeout=SECONDS_OF_LOOK)
    messages = actor.get_nowait_batch.remote(n_messages)
    return list(ray.get(messages, timeout=SECONDS_OF_LOOK)) if n_messages else []


@dataclass(frozen=True)
class PostOnRay:
    """Sends messages to an actor of ray, without waiting.

    Attributes
    ----------
    actor : ActorHandle
    """

    actor: Any

    def __call__(self, message: Message) -> None:
        """Send a message."""
        self.actor.put_nowait.remote(message)
