import os
import signal
import threading

import pytest

from placevec.training.run.stopping import StopEarly, StopRequest, stop_requests

pytestmark = pytest.mark.one_backend


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_notes_a_signal_instead_of_dying(number):
    with stop_requests() as request:
        assert not request
        os.kill(os.getpid(), number)
        assert request
        assert request.number == number


def test_gives_the_handlers_back():
    before = signal.getsignal(signal.SIGINT)
    with stop_requests():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_dies_of_the_second_signal():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), stop_requests():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_leaves_signals_alone_in_another_thread():
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def work():
        with stop_requests() as request:
            seen.append((bool(request), signal.getsignal(signal.SIGINT) is before))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(False, True)]


class Model:
    stop_training = False


@pytest.mark.parametrize(
    ("loss", "stops"), [(0.5, False), (float("nan"), True), (float("inf"), True)]
)
def test_stops_at_a_loss_that_is_no_number(loss, stops):
    callback = StopEarly(StopRequest())
    callback.set_model(Model())
    callback.on_train_batch_end(7, {"loss": loss})
    assert callback.model.stop_training is stops
    assert callback.bad_step == (7 if stops else None)


def test_processes_agree_on_a_signal_that_one_of_them_got():
    request = StopRequest(gather=lambda number: [number, signal.SIGTERM])
    assert request
    assert request.number == signal.SIGTERM
    assert not StopRequest(gather=lambda number: [number, None])
