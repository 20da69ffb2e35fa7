"""Kombu's Redis transport, without two things that end a worker when it loses Redis.

Kombu gives unacknowledged messages back when it closes a channel, and a task that ends after that
acknowledges its message on the closed channel. Both then reach for a connection that is gone, and
the AttributeError is none that Celery takes for a lost broker: the worker's first process ends, and
a queue is deaf until a supervisor starts it again. Seen whenever Redis was killed while one process
of a worker was at work and another was free.

A message here is only a ring (``common.bell``) that comes again after the visibility timeout, or
never if Redis was emptied; the rows say what there is to do. So neither is needed.
"""

from kombu.transport import TRANSPORT_ALIASES, redis


class Channel(redis.Channel):
    """Forgets its messages when it is closed."""

    do_restore = False

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        if not self.closed:
            super().basic_ack(delivery_tag, multiple=multiple)

    def basic_reject(self, delivery_tag: str, requeue: bool = False) -> None:
        if not self.closed:
            super().basic_reject(delivery_tag, requeue=requeue)


class Transport(redis.Transport):
    """What ``redis://``, ``rediss://`` and ``redis+socket://`` mean here."""

    Channel = Channel


def use_own_transport() -> None:
    """Before the first connection: an address on a unix socket cannot name a transport itself."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:{Transport.__name__}"
