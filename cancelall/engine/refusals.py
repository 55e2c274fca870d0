"""Which refusals are believed. One bad answer ends as little as possible: what would end a whole profile has to be said
twice, and by nothing in the same run contradicted.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from cancelall.core.dataclass import dataclass, field, replace
from cancelall.core.errors import TransportFault
from cancelall.core.model import GATEWAY_PAUSE, Answer, Judgement, Reach, Request

_OTHER = {socket.AF_INET: int(socket.AF_INET6), socket.AF_INET6: int(socket.AF_INET)}
_UNREACHED = 2
"""Attempts over the other address family that may fail to leave before the refusal over the first one counts."""


@dataclass
class HostRefusals:
    """What a venue says of this machine's address, to all profiles on one host."""

    blocked: Judgement | None = None
    """The address is blocked: reads on this host wait for nothing. Whatever is accepted afterwards lifts it."""
    _times: Counter[Request] = field(default_factory=Counter)
    """How often a request was answered so."""

    def weigh(self, request: Request, judgement: Judgement) -> bool:
        """Take in an answer; whether it says again that the address is blocked."""
        if judgement.answer is Answer.REFUSED and judgement.reach is Reach.HOST:
            self._times[request] += 1
            self.blocked = self.blocked or judgement
            return self._times[request] > 1
        if judgement.answer in (Answer.ACCEPTED, Answer.NOTHING_OPEN):
            self.blocked = None
            self._times.clear()
        return False

    def stops(self, request: Request) -> bool:
        """Whether a block keeps this request from being sent: a read, and a cancel that has had its own answers."""
        times = self._times[request]
        return self.blocked is not None and (times > 1 or (times == 0 and not request.changes))


@dataclass
class Refusals:
    """What a venue refuses to one profile as a whole: its key, its address."""

    proves_key: Callable[[Request], bool]
    """Whether an accepted answer to this request shows that the key is good."""
    host: HostRefusals
    further: Mapping[str, HostRefusals] = field(default_factory=dict)
    """What the venue's further hosts say of the address, by their names."""
    believed: Judgement | None = None
    """The refusal that ends the profile."""
    family: int | None = None
    """The only address family to use, once the venue has refused the key over the other one."""
    _doubted: Judgement | None = None
    """A refusal that came once."""
    _denied: list[Judgement] = field(default_factory=list)
    """What reads that need no key have said of it."""
    _good: bool = False
    """Whether anything was accepted with this key."""
    down: dict[str, Judgement] = field(default_factory=dict)
    """Of several hosts those that cannot be spoken to, each with the fault that no retry can cure."""
    _unreached: int = 0
    _failing: set[str] = field(default_factory=set)
    """Those of which that is to be said a second time."""

    @property
    def doubted(self) -> Judgement | None:
        """A refusal of the key that nothing has contradicted; it may stand alone."""
        return None if self._good else self.believed or self._doubted or next(iter(self._denied), None)

    @property
    def denied(self) -> Judgement | None:
        """The word of a read that needs no key, said twice, that the key is not good, where nothing contradicts it. It
        ends nothing: cancels get their own answers.
        """
        return None if self._good or len(self._denied) < 2 else self._denied[0]

    @property
    def stopped(self) -> Judgement | None:
        """The refusal that ends the profile's line, or that to one of its hosts: its own, or a block of the address."""
        blocks = (one.blocked for one in (self.host, *self.further.values()))
        return self.believed or next((one for one in (*blocks, *self.down.values()) if one is not None), None)

    def _of(self, host: str) -> HostRefusals:
        return self.further.get(host, self.host)

    def stopped_of(self, requests: Iterable[Request]) -> Judgement | None:
        """The refusal that ends some of these requests: the profile's, or that of a host to which they go."""
        hosts = dict.fromkeys(request.host for request in requests)
        ends = (self.down.get(host) or self._of(host).blocked for host in hosts)
        return self.believed or next((one for one in ends if one is not None), None)

    def weigh(self, request: Request, judgement: Judgement, family: int | None) -> Judgement:
        """Take in a judgement; one that is not believed comes back as a gateway's word, to be tried again."""
        again = self._of(request.host).weigh(request, judgement)
        if judgement.answer in (Answer.ACCEPTED, Answer.NOTHING_OPEN) and self.proves_key(request):
            self._good, self._doubted, self.believed = True, None, None
        if judgement.answer is not Answer.GATEWAY:
            self.down.pop(request.host, None)
            self._failing.discard(request.host)
        if judgement.answer is not Answer.REFUSED or judgement.reach in (Reach.REQUEST, Reach.PRODUCT):
            return judgement
        if judgement.reach is Reach.KEY and not (request.signed or self.proves_key(request)):
            self._denied.append(judgement)
            return judgement
        if judgement.reach is Reach.HOST:
            return judgement if again else _once_more(judgement)
        if judgement.reach is Reach.ADDRESS and family in _OTHER and not self._good:
            if self.family is None:
                self.family, self._doubted = _OTHER[socket.AddressFamily(family)], judgement
                return _once_more(judgement, at_once=True)
            if family != self.family:  # sent before the change
                return _once_more(judgement, at_once=True)
            self.believed = judgement
            return judgement
        return judgement if self._twice(judgement) else _once_more(judgement)

    def failed(self, fault: TransportFault, family: int | None, host: str = "") -> bool:
        """Take in an attempt without an answer; whether it ends the profile, or its part on one of several hosts."""
        if fault.final:
            refusal = Judgement(
                answer=Answer.REFUSED, kind=fault.kind, message=fault.message, hint=fault.hint, reach=Reach.KEY
            )
            return self._host_down(host, refusal) if self.further else self._twice(refusal)
        if family is not None and fault.sent == "no" and not self._good:
            self._unreached += 1
            if self._unreached >= _UNREACHED:
                self.believed = self.believed or self._doubted
        return False

    def _host_down(self, host: str, refusal: Judgement) -> bool:
        """Whether one of several hosts cannot be spoken to, as met for the second time: the others are none of it."""
        if host not in self._failing:
            self._failing.add(host)
            return False
        self.down.setdefault(host, refusal)
        return True

    def _twice(self, judgement: Judgement) -> bool:
        """Whether it is said for the second time, and nothing was ever accepted."""
        if self._good:
            return False
        if self._doubted is None:
            self._doubted = judgement
            return False
        self.believed = self.believed or judgement
        return True


def _once_more(judgement: Judgement, *, at_once: bool = False) -> Judgement:
    """A refusal that is not believed: its words stay, and the request is sent again."""
    return replace(judgement, answer=Answer.GATEWAY, after=0.0 if at_once else max(judgement.after or 0, GATEWAY_PAUSE))
