"""Fears: jobs that wait for each other, that are lost with their process, or done twice."""

import os
import signal
import time

import pytest
from job_functions import KINDS

from mesosynth.system.jobs import Done, Failed, Jobs, Paused, Restarted, Stepped

SECONDS = 60.0  # patience


class Watched:
    """Jobs whose events are kept."""

    def __init__(self, **settings):
        self.jobs = Jobs(KINDS, nice=0, **settings)
        self.seen = []

    def wait(self, condition, seconds=SECONDS):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.seen
            self.seen += self.jobs.poll()
            time.sleep(0.002)

    def wait_for(self, job, kind):
        self.wait(lambda: self.of(job, kind))
        return self.of(job, kind)[-1]

    def of(self, job, kind):
        return [event for of, event in self.seen if of is job and isinstance(event, kind)]

    def steps(self, job):
        return [event.step for event in self.of(job, Stepped)]


@pytest.fixture(scope="module")
def one():
    """One child for the tests that leave it alive."""
    watched = Watched()
    yield watched
    watched.jobs.close()


@pytest.fixture
def watched(one):
    for name in KINDS:
        one.jobs.cancel(name)
    one.seen.clear()
    return one


def test_steps_come_in_order_and_the_result_last(watched):
    job = watched.jobs.begin("count", 10)
    assert job.running
    assert watched.wait_for(job, Done) == Done(10)
    assert watched.steps(job) == list(range(1, 11))
    assert not job.running


def test_a_job_that_is_stopped_ends_with_its_result_so_far(watched):
    job = watched.jobs.begin("count", 10**6)
    watched.wait(lambda: len(watched.steps(job)) >= 3)
    job.stop()
    done = watched.wait_for(job, Done)
    assert done.stopped
    assert done.result - watched.steps(job)[-1] in (0, 1)


def test_a_job_that_is_stopped_before_it_began_has_no_result(watched):
    watched.jobs.begin("urgent", 50)
    job = watched.jobs.begin("count", 10)
    job.stop()
    assert watched.wait_for(job, Done) == Done(None, stopped=True)


def test_a_cancelled_job_is_not_heard_of_again(watched):
    job = watched.jobs.begin("count", 10**6)
    watched.wait(lambda: len(watched.steps(job)) >= 3)
    job.cancel()
    assert not job.running
    told = len(watched.seen)
    watched.wait_for(watched.jobs.begin("count", 5), Done)
    assert all(of is not job for of, _ in watched.seen[told:])


def test_a_paused_job_stands_still_and_goes_on(watched):
    job = watched.jobs.begin("count", 100)
    watched.wait(lambda: len(watched.steps(job)) >= 3)
    job.pause()
    watched.wait_for(job, Paused)
    assert job.running
    assert job.paused
    stood = len(watched.steps(job))
    watched.wait_for(watched.jobs.begin("count", 10), Done)
    assert len(watched.steps(job)) == stood
    job.resume()
    assert watched.wait_for(job, Done) == Done(100)
    assert watched.steps(job) == list(range(1, 101))


def test_a_pause_that_is_taken_back_at_once_is_none(watched):
    watched.wait_for(watched.jobs.begin("count", 1), Done)  # there is a child
    os.kill(watched.jobs.pid, signal.SIGSTOP)  # it looks when all is said
    job = watched.jobs.begin("count", 50)
    job.pause()
    job.resume()
    os.kill(watched.jobs.pid, signal.SIGCONT)
    watched.wait_for(job, Done)
    assert not watched.of(job, Paused)


def test_what_is_urgent_goes_between_the_steps_of_what_is_not(watched):
    long = watched.jobs.begin("count", 10**6)
    idle = watched.jobs.begin("idle", 10**6)
    watched.wait(lambda: watched.steps(long))
    urgent = watched.jobs.begin("urgent", 20)
    watched.wait_for(urgent, Done)
    places = [i for i, (of, _) in enumerate(watched.seen) if of is urgent]
    assert places == list(range(places[0], places[0] + 21))  # nothing of the others meanwhile
    watched.wait(lambda: watched.seen[-1][0] is long)
    assert not watched.steps(idle)
    long.cancel()
    watched.wait(lambda: watched.steps(idle))


def test_of_many_that_wait_only_the_newest_runs(watched):
    jobs = [watched.jobs.begin("picture", what) for what in range(500)]
    assert watched.wait_for(jobs[-1], Done) == Done(499)
    assert sum(isinstance(event, Done) for _, event in watched.seen) <= 2
    assert not any(job.running for job in jobs)


def test_pictures_rest_while_something_else_runs(watched):
    watched.jobs.begin("count", 10**6)
    began, pictures = time.monotonic(), 0
    while time.monotonic() < began + 1.0:
        job = watched.jobs.begin("picture", pictures)
        watched.wait_for(job, Done)
        pictures += 1
    assert pictures <= 5


def test_a_value_reaches_the_job(watched):
    job = watched.jobs.begin("echo")
    job.send("here")
    watched.wait(lambda: watched.steps(job) == ["here"])
    job.cancel()


def test_an_error_is_told_and_the_child_lives(watched):
    pid = watched.jobs.pid
    job = watched.jobs.begin("fail", "told")
    assert watched.wait_for(job, Failed) == Failed("to=0 must be 1 or more.")
    other = watched.jobs.begin("fail", "not told")
    assert "ZeroDivisionError: oh" in watched.wait_for(other, Failed).text
    watched.wait_for(watched.jobs.begin("count", 2), Done)
    assert watched.jobs.pid == pid


def test_a_job_goes_on_where_its_evaluations_end(watched):
    whole = watched.jobs.begin("squares", 8)
    result = watched.wait_for(whole, Done).result
    assert len(whole.evaluations) == 8
    again = watched.jobs.begin("squares", 8, evaluations=whole.evaluations[:5], paused=True)
    watched.wait_for(again, Paused)
    assert watched.steps(again) == watched.steps(whole)[:5]  # told again, and computed before
    again.resume()
    assert watched.wait_for(again, Done).result == result
    assert [step[0] for step in watched.steps(again)] == [float(n**2) for n in range(8)]
    finished = watched.jobs.begin("squares", 8, evaluations=whole.evaluations, paused=True)
    watched.wait_for(finished, Done)
    assert not watched.of(finished, Paused)


@pytest.mark.parametrize("paused", [False, True], ids=["running", "paused"])
def test_a_killed_job_goes_on_and_nothing_is_done_or_told_twice(paused):
    watched = Watched()
    try:
        job = watched.jobs.begin("squares", 30)
        watched.wait(lambda: len(watched.steps(job)) >= 4)
        if paused:
            job.pause()
            watched.wait_for(job, Paused)
        pid = watched.jobs.pid
        os.kill(pid, signal.SIGSTOP)  # so that it tells no more than is counted
        watched.seen += watched.jobs.poll()
        told = len(watched.steps(job))
        os.kill(pid, signal.SIGKILL)
        watched.wait(lambda: watched.of(None, Restarted))
        if paused:
            watched.wait_for(watched.jobs.begin("urgent", 1), Done)
            assert len(watched.steps(job)) == told
            assert job.paused
            job.resume()
        assert watched.wait_for(job, Done) == Done(sum(n**2 for n in range(30)))
        steps = watched.steps(job)
        assert [square for square, _ in steps] == [float(n**2) for n in range(30)]
        assert {int(of) for _, of in steps[:told]} == {pid}
        assert pid not in {int(of) for _, of in steps[told + 1 :]}
        assert len(watched.of(job, Paused)) == paused
    finally:
        watched.jobs.close()


def test_a_job_that_ends_its_process_again_and_again_is_given_up():
    watched = Watched()
    try:
        job = watched.jobs.begin("die")
        other = watched.jobs.begin("count", 3)
        assert "given up" in watched.wait_for(job, Failed).text
        assert len(watched.of(None, Restarted)) == 3
        if not watched.of(other, Failed):  # it had waited all the time
            watched.wait_for(other, Done)
        watched.wait_for(watched.jobs.begin("count", 3), Done)
    finally:
        watched.jobs.close()


def test_a_child_that_does_not_stay_ends_with_its_last_job_and_comes_back():
    watched = Watched(stays=False)
    try:
        for _ in range(2):
            watched.wait_for(watched.jobs.begin("count", 3), Done)
            watched.wait(lambda: watched.jobs.pid is None)
        assert not watched.of(None, Restarted)
    finally:
        watched.jobs.close()
