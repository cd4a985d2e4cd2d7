"""rq: queues of jobs, workers of their own processes, results; over the death of the server."""

import os
import subprocess
import sys
import time

import redis

PORT = int(os.environ["CLIENTS_PORT"])
DONE = os.path.join(os.environ["CLIENTS_DIR"], "done")  # a line for each job that was done


def add(a, b):
    return a + b


def note(name):
    with open(DONE, "a") as file:
        file.write(name + "\n")


def fails():
    raise ValueError("no such house")


def noted():
    try:
        with open(DONE) as file:
            return file.read().split()
    except FileNotFoundError:
        return []


class Worker:
    """One that does all that there is, and ends, or goes on."""

    def __init__(self, *flags):
        environment = dict(os.environ, PYTHONPATH=os.path.dirname(os.path.abspath(__file__)))
        log = open(os.path.join(os.environ["CLIENTS_DIR"], "worker"), "a")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rq.cli", "worker", "--url", f"redis://127.0.0.1:{PORT}/0", "--worker-class", "rq.SimpleWorker",
             *flags, "high", "work"], env=environment, stdout=log, stderr=log, start_new_session=True)

    def ends(self):
        return self.process.wait(60)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def burst():
    return Worker("--burst").ends()


def ordinary(same, db):
    from datetime import timedelta

    from rq import Queue, Retry
    from rq.job import Job
    from rq.registry import FailedJobRegistry, FinishedJobRegistry, ScheduledJobRegistry

    work, high = Queue("work", connection=db), Queue("high", connection=db)
    import rq_jobs as jobs

    one = work.enqueue(jobs.add, 2, 3)
    same("queued", [one.get_status(), len(work), one.is_queued], ["queued", 1, True])
    same("worked off", [burst(), one.result, one.get_status(refresh=True)], [0, 5, "finished"])
    many = [work.enqueue(jobs.add, n, n, meta={"n": n}) for n in range(50)]
    urgent = high.enqueue(jobs.add, 1, 1)
    after = work.enqueue(jobs.add, 7, 7, depends_on=many[3])
    same("deferred", after.get_status(), "deferred")
    same("all of them", [burst(), [job.result for job in many], after.result], [0, [2 * n for n in range(50)], 14])
    urgent.refresh()
    many[0].refresh()
    same("the urgent one first", urgent.ended_at <= many[0].started_at, True)
    bad = work.enqueue(jobs.fails, retry=Retry(max=2))
    same("it fails", [burst(), bad.get_status(refresh=True), "no such house" in bad.exc_info], [0, "failed", True])
    same("where", [bad.id in FailedJobRegistry(queue=work), len(FinishedJobRegistry(queue=work))], [True, 52])
    bad.requeue()
    same("once more", [burst(), bad.get_status(refresh=True)], [0, "failed"])
    late = work.enqueue_in(timedelta(seconds=1), jobs.add, 1, 2)
    same("later", late.id in ScheduledJobRegistry(queue=work), True)
    worker = Worker("--with-scheduler")
    from steps import within

    same("its time came", within(lambda: late.get_status(refresh=True) == "finished", 30), True)
    worker.stop()
    gone = work.enqueue(jobs.add, 1, 2)
    gone.delete()
    same("deleted", [Job.exists(gone.id, connection=db), len(work)], [False, 0])
    held = work.enqueue(jobs.add, 1, 2)
    held.cancel()
    same("cancelled", [held.get_status(refresh=True), len(work)], ["canceled", 0])
    same("pipelined", len(work.enqueue_many([Queue.prepare_data(jobs.add, (n, n)) for n in range(20)])), 20)
    same("emptied", [work.empty(), len(work)], [20, 0])


def sent_while_killed(same, work, name):
    """The names of the jobs that were acknowledged, and of all that were asked for."""
    import rq_jobs as jobs
    from steps import under_kill

    acked, asked = [], []

    def send(lane):
        job = f"{name}:{lane}:{len(asked)}"
        asked.append(job)
        try:
            work.enqueue(jobs.note, job, job_id=job.replace(":", "-"))
            acked.append(job)
        except redis.ConnectionError:  # it was under way
            time.sleep(0.02)

    same("the server starts again", under_kill(3, lambda: len(acked) > 100, send), True)
    return acked, asked


def killed(same, db):
    from rq import Queue

    from steps import within

    work = Queue("work", connection=db)
    # Nobody works yet: all that was acknowledged is there.
    acked, asked = sent_while_killed(same, work, "first")
    burst()
    same("they are done", set(acked) - set(noted()), set())
    same("and no other", set(noted()) <= set(asked), True)
    same("once each", len(noted()), len(set(noted())))
    # Now while somebody works. rq takes a job off its list before it writes down that it works on it: of one that was being
    # handed over nobody knows, whatever the server. A worker that loses the server may end; another takes its place.
    worker = Worker()
    within(lambda: db.scard("rq:workers") == 1)
    more, all_asked = sent_while_killed(same, work, "second")

    def done():
        nonlocal worker
        if worker.process.poll() is not None:
            worker = Worker()
        return set(more) <= set(noted())

    within(done, 20)
    worker.stop()
    burst()
    same("of those that came while it works", len(set(more) - set(noted())) <= 1, True)
    same("nor any other", set(noted()) <= {*asked, *all_asked}, True)


if __name__ == "__main__":
    import rq

    from steps import Steps

    steps = Steps(f"rq {rq.VERSION}")
    connection = redis.Redis(port=PORT)
    ordinary(steps.same, connection)
    killed(steps.same, connection)
    steps.end()
