"""Steps that are counted, and a server that is killed between them."""

import os
import subprocess
import sys
import threading
import time

PORT = int(os.environ["CLIENTS_PORT"])
SOCKET = os.path.join(os.environ["CLIENTS_DIR"], "socket")


class Steps:
    def __init__(self, client):
        self.client = client
        self.count = 0
        self.failed = False

    def same(self, what, got, wanted):
        self.count += 1
        if got != wanted:
            self.failed = True
            print(f"{self.client}: {what}: {got!r} instead of {wanted!r}", file=sys.stderr)

    def fails(self, what, error, call):
        """The call raises `error`, and so says the library that the server refused."""
        try:
            self.same(what, call(), error)
        except error:
            self.count += 1

    def end(self):
        if self.failed:
            sys.exit(1)
        print(f"{self.client}: {self.count} steps, a kill -9 between, nothing acknowledged was lost")


def kill_server():
    """Begins to: the server may answer for a moment, and is there again when the process has ended."""
    return subprocess.Popen(os.environ["CLIENTS_KILL"].split())


def within(holds, seconds=10):
    """What `holds` comes to within so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not holds():
        time.sleep(0.02)
    return holds()


def under_kill(lanes, enough, work):
    """In each of so many lanes `work(lane)` is done again and again until `enough()` has been done, while the server is
    killed then, and for a moment after. Whether it started again."""
    done = threading.Event()

    def go_on(lane):
        while not done.is_set():
            work(lane)

    threads = [threading.Thread(target=go_on, args=(lane,)) for lane in range(lanes)]
    for thread in threads:
        thread.start()
    while not enough():
        time.sleep(0.02)
    status = kill_server().wait(60)
    time.sleep(0.3)
    done.set()
    for thread in threads:
        thread.join()
    return status == 0
