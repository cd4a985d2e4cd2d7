"""celery: a worker of its own process, jobs, results, chains and chords; over the death of the server."""

import os
import subprocess
import sys
import time

import celery
from celery import Celery, chain, chord, group
from kombu.exceptions import OperationalError

PORT = int(os.environ["CLIENTS_PORT"])
URL = f"redis://127.0.0.1:{PORT}/"
DONE = os.path.join(os.environ["CLIENTS_DIR"], "done")  # a line for each job that was done

app = Celery("tasks", broker=URL + "0", backend=URL + "1")
app.conf.update(
    # A job that a worker had taken and not acknowledged is another's after a while.
    task_acks_late=True, task_reject_on_worker_lost=True, worker_prefetch_multiplier=2,
    broker_transport_options={"visibility_timeout": 2, "polling_interval": 0.05, "socket_timeout": 20},
    broker_connection_max_retries=None, broker_connection_retry=True, redis_retry_on_timeout=True,
    result_backend_transport_options={"retry_policy": {"timeout": 10.0}},
    task_track_started=True, worker_hijack_root_logger=False)


@app.task
def add(a, b):
    return a + b


@app.task
def total(numbers):
    return sum(numbers)


@app.task
def note(name):
    with open(DONE, "a") as file:
        file.write(name + "\n")


@app.task(bind=True, max_retries=3, default_retry_delay=0)
def third_time(self):
    if self.request.retries < 2:
        raise self.retry(countdown=0)
    return self.request.retries


@app.task
def fails():
    raise ValueError("no such house")


class Worker:
    def __enter__(self):
        # Without them since a worker of this version that comes back to a restarted server otherwise takes no more jobs.
        alone = ["--without-heartbeat", "--without-mingle", "--without-gossip"]
        environment = dict(os.environ, PYTHONPATH=os.path.dirname(os.path.abspath(__file__)), C_FORCE_ROOT="1")
        log = open(os.path.join(os.environ["CLIENTS_DIR"], "worker"), "a")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "celery_tasks", "worker", "--pool", "threads", "--concurrency", "4",
             "--loglevel", "INFO", *alone],
            env=environment, stdout=log, stderr=log, start_new_session=True)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def noted():
    try:
        with open(DONE) as file:
            return file.read().split()
    except FileNotFoundError:
        return []


def ordinary(same):
    from steps import within

    first = add.delay(2, 3)
    same("a result", [first.get(timeout=30), first.state], [5, "SUCCESS"])
    same("hundred", [one.get(timeout=30) for one in [add.delay(n, n) for n in range(100)]], [2 * n for n in range(100)])
    same("a chain", chain(add.s(1, 2), add.s(10), add.s(100))().get(timeout=30), 113)
    same("a group", group(add.s(n, 1) for n in range(10))().get(timeout=30), list(range(1, 11)))
    same("a chord", chord((add.s(n, n) for n in range(10)), total.s())().get(timeout=30), 90)
    same("again and again", third_time.delay().get(timeout=30), 2)
    broken = fails.delay()
    try:
        same("it fails", broken.get(timeout=30), None)
    except ValueError as error:
        same("it fails", [str(error), broken.state], ["no such house", "FAILURE"])
    began = time.monotonic()
    same("later", [add.apply_async((1, 1), countdown=1).get(timeout=30), time.monotonic() - began >= 1], [2, True])
    same("by priority", add.apply_async((1, 2), priority=9).get(timeout=30), 3)
    late = note.apply_async(("too late",), expires=-1)
    revoked = note.apply_async(("revoked",), countdown=2)
    revoked.revoke()
    same("revoked", within(lambda: revoked.state == "REVOKED", 20), True)
    same("expired", within(lambda: late.state == "REVOKED", 20), True)
    same("neither was done", noted(), [])
    same("the worker", list(app.control.ping(timeout=5)[0].values()), [{"ok": "pong"}])
    same("what it knows", "celery_tasks.add" in list(app.control.inspect(timeout=5).registered().values())[0], True)
    first.forget()
    same("forgotten", first.state, "PENDING")


def sent_while_killed(same, name):
    """The names of the jobs that were acknowledged, and of all that were asked for."""
    from steps import under_kill

    acked, asked = [], []

    def send(lane):
        job = f"{name}:{lane}:{len(asked)}"
        asked.append(job)
        try:
            note.apply_async((job,), retry=False)
            acked.append(job)
        except (OperationalError, ConnectionError):  # it was under way
            time.sleep(0.02)

    same("the server starts again", under_kill(4, lambda: len(acked) > 100, send), True)
    return acked, asked


def killed(same):
    from steps import within

    # Nobody works yet: all that was acknowledged is there.
    acked, asked = sent_while_killed(same, "first")
    with Worker():
        same("they are done", within(lambda: set(acked) <= set(noted()), 60), True)
        same("and no other", set(noted()) <= set(asked), True)
        # Now while it works. Celery takes a job off its list before it writes down that it has it: of one that was being
        # handed over nobody knows, whatever the server.
        more, all_asked = sent_while_killed(same, "second")
        within(lambda: set(more) <= set(noted()), 30)
        same("of those that came while it works", sorted(set(more) - set(noted()))[1:], [])
        same("nor any other", set(noted()) <= {*asked, *all_asked}, True)
        same("and it goes on", add.delay(2, 3).get(timeout=60), 5)


if __name__ == "__main__":
    from steps import Steps

    steps = Steps(f"celery {celery.__version__}")
    # The worker knows the tasks by the name of this file.
    from celery_tasks import add, fails, note, third_time, total, app  # noqa: F811

    with Worker():
        ordinary(steps.same)
    killed(steps.same)
    steps.end()
