"""What an exception of look-up, sockets or TLS says of an attempt: above all whether its request can have been sent."""

from __future__ import annotations

import errno
import socket
import ssl
import time
import urllib.parse
from typing import Literal

from cancelall.core.errors import TransportFault
from cancelall.net import answer, dial

NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE)
_NO_MEMORY = (errno.ENOMEM, errno.ENOBUFS)

_OUT_OF_TIME = (9, 10)
"""X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED: https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/"""
_UNKNOWN_AUTHORITY = (2, 18, 19, 20, 21)
"""The same page: no issuer found, self-signed, self-signed in the chain, no local issuer, first one not verified."""


def of_connecting(fault: Exception, host: str = "the host") -> TransportFault:
    """Why there is no connection to a host. Nothing was sent."""
    if isinstance(fault, ssl.SSLCertVerificationError):
        return of_certificate(fault)
    if isinstance(fault, dial.NoFamily):
        return TransportFault(f"{host} has {fault}", sent="no")
    if isinstance(fault, dial.LookUpTimeout):
        return TransportFault(_not_resolved(host), kind="timeout", sent="no")
    if isinstance(fault, socket.gaierror | UnicodeError):
        return TransportFault(f"{host} cannot be resolved: is this machine online?", sent="no")
    if isinstance(fault, TimeoutError):
        return TransportFault(_no_connection(host), kind="timeout", sent="no")
    if isinstance(fault, ssl.SSLError):
        return TransportFault(f"TLS with {host} failed", kind="tls", sent="no")
    if isinstance(fault, ConnectionRefusedError):
        return TransportFault(f"{host} refused the connection", sent="no")
    if isinstance(fault, ConnectionError):
        return TransportFault(f"the connection to {host} broke before anything was sent", sent="no")
    scarce = _scarcity(fault, "no")
    why = (fault.strerror if isinstance(fault, OSError) else None) or type(fault).__name__
    return scarce or TransportFault(f"no connection to {host} ({why})", sent="no")


def standstill(url: str, seconds: float) -> str:
    """Why a host, or a proxy, could not be connected to for so many seconds, in words; empty where that gets on."""
    host = urllib.parse.urlsplit(url).hostname or ""
    match dial.standstill(host, seconds):
        case "name":
            return _not_resolved(host)
        case "connection":
            return _no_connection(host)
    return ""


def _no_connection(host: str) -> str:
    return f"no connection to {host} in time"


def _not_resolved(host: str) -> str:
    return f"the name {host} is not resolved: is this machine online?"


def of_waiting(fault: Exception) -> TransportFault:
    """Why no answer has begun, after something can have been sent."""
    if isinstance(fault, TimeoutError):
        return TransportFault("no answer in time", kind="timeout")
    if isinstance(fault, ssl.SSLError):
        return TransportFault("TLS failed", kind="tls")
    return _scarcity(fault, "maybe") or TransportFault("the connection broke")


def of_reading(fault: Exception) -> TransportFault:
    """Why the body of an answer is not complete."""
    if isinstance(fault, TimeoutError):
        return TransportFault("the answer did not end in time", kind="timeout", sent="yes")
    return _scarcity(fault, "yes") or answer.broken_off()


def of_certificate(fault: ssl.SSLCertVerificationError) -> TransportFault:
    """A certificate that does not verify. What an honest cause would be, and its cure, stands in message and hint."""
    why = fault.verify_message or "it does not verify"
    message, cure = f"the certificate was refused ({why}): possible interception", cure_of(fault)
    refused = TransportFault(f"{message}; {cure}" if cure else message, kind="tls", sent="no", final=True)
    refused.hint = cure or "do not work around it: ask who runs the network"
    return refused


def cure_of(fault: ssl.SSLCertVerificationError) -> str:
    """What to do about a certificate that is refused although nobody intercepts; empty where nothing is likely."""
    if fault.verify_code in _OUT_OF_TIME:
        now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
        return f"this machine's clock says {now}: if that is wrong, set the clock"
    if fault.verify_code in _UNKNOWN_AUTHORITY:
        return "if you know whose authority signed it, name its file in ca_bundle or SSL_CERT_FILE"
    return ""


def out_of_memory(sent: Literal["no", "maybe", "yes"]) -> TransportFault:
    """This process has no memory left for the attempt."""
    scarce = TransportFault("this process has no memory left for it", sent=sent)
    scarce.hint = "raise its limit of memory (ulimit -v), or end other programs"
    return scarce


def _scarcity(fault: Exception, sent: Literal["no", "maybe", "yes"]) -> TransportFault | None:
    """What this machine has run out of; None when that is not the cause."""
    if isinstance(fault, OSError) and fault.errno in _NO_MEMORY:
        return out_of_memory(sent)
    if isinstance(fault, OSError) and fault.errno in NO_DESCRIPTORS:
        scarce = TransportFault("this process may open no more files or connections", sent=sent)
        scarce.hint = "raise the limit of open files (ulimit -n)"
        return scarce
    return None
