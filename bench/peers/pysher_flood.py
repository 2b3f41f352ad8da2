"""Receives a flood with Pysher, and prints the books as `bench receive` does:

    python pysher_flood.py ADDRESS CHANNEL EVENT BEGIN END
"""

import json
import logging
import resource
import sys
import threading
import time

import pysher

FRAMES = 256  # after so many the numbers begin anew


class Tally:
    def __init__(self, begin, end):
        self.begin = begin
        self.end = end
        self.events = 0
        self.out_of_order = 0
        self.done = threading.Event()

    def event(self, data):
        # Pysher hands out the data as it came; whoever uses it decodes it.
        if json.loads(data)["n"] != self.events % FRAMES:
            self.out_of_order += 1
        self.events += 1
        if self.events == self.begin:
            self.wall = time.monotonic_ns()
            self.cpu = time.process_time_ns()
        elif self.events == self.end:
            self.wall = time.monotonic_ns() - self.wall
            self.cpu = time.process_time_ns() - self.cpu
            self.done.set()


address, channel, event, begin, end = sys.argv[1:]
host, port = address.split(":")
tally = Tally(int(begin), int(end))
# By default it formats a line for each message; nobody would want that here.
client = pysher.Pusher("app-key", custom_host=host, port=int(port), secure=False,
                       log_level=logging.WARNING)


def connected(_data):
    client.subscribe(channel).bind(event, tally.event)


client.connection.bind("pusher:connection_established", connected)
client.connect()
if not tally.done.wait(110):
    sys.exit(f"{tally.events} of {end} events came")
print(json.dumps({
    "events": tally.events,
    "out_of_order": tally.out_of_order,
    "wall_ns": tally.wall,
    "cpu_ns": tally.cpu,
    "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
}), flush=True)
client.disconnect(timeout=2)
