"""The demo's server: its answers are TFLM's, and it gives nothing else."""

from __future__ import annotations

import socket

import numpy as np
import pytest

from keras_nest import evaluation
from keras_nest.demo import DemoServer, Session
from keras_nest.errors import NestError
from tests.demo.conftest import LEVELS, SAMPLES, Example, ask


def test_every_level_says_what_evaluation_measures(
    example: Example, server: DemoServer
) -> None:
    runs = evaluation.run_levels(example.tflite, example.x, dequantize=True).runs
    assert len(runs) == LEVELS
    differ = 0
    for level, run in enumerate(runs):
        answers = [ask(server, f"/predict/{n}/{level}") for n in range(SAMPLES)]
        assert {status for status, _ in answers} == {200}
        scores = np.array([answer["scores"] for _, answer in answers], np.float32)
        np.testing.assert_array_equal(scores, run.outputs)
        _, accuracy = evaluation.score(run.outputs, example.x, example.y)
        correct = [answer["correct"] for _, answer in answers]
        assert sum(correct) == round(accuracy * SAMPLES)
        words = [f"class {best}" for best in run.outputs.argmax(axis=1)]
        assert [answer["text"] for _, answer in answers] == words
        differ += not np.array_equal(run.outputs, runs[0].outputs)
    assert differ == LEVELS - 1  # a server that forgets the level would be found


def test_a_sample_is_what_the_file_holds(server: DemoServer, example: Example) -> None:
    status, sample = ask(server, f"/sample/{SAMPLES - 1}")
    assert status == 200
    assert sample["label"] == f"class {example.y[-1]}"
    assert (sample["input"]["width"], sample["input"]["height"]) == (8, 8)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/sample/{SAMPLES}", 422),
        (f"/predict/0/{LEVELS}", 422),
        (f"/predict/{SAMPLES}/0", 422),
        ("/predict/0/-1", 404),
        ("/predict/0/٣", 404),
        ("/sample/0?x=1", 404),
        ("/../../../../etc/passwd", 404),
        ("/%2e%2e/%2e%2e/etc/passwd", 404),
        ("/demo.js", 404),
    ],
)
def test_unknown_requests_are_refused(
    server: DemoServer, path: str, status: int
) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port), 30) as connection:
        host = f"127.0.0.1:{server.server_port}"  # urllib would mend some of the paths
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        answer = connection.makefile("rb").read()
    head, _, content = answer.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.0 {status} ".encode())
    assert content.startswith(b'{"message": "Expected') and b"root:" not in content


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD"])
def test_it_only_answers_get(server: DemoServer, method: str) -> None:
    assert ask(server, "/", method=method)[0] == 501


@pytest.mark.parametrize("host", ["example.com", "example.com:80", "127.0.0.1:1", ""])
def test_another_host_name_is_refused(server: DemoServer, host: str) -> None:
    assert ask(server, "/", headers={"Host": host})[0] == 421
    local = f"localhost:{server.server_port}"
    assert ask(server, "/", headers={"Host": local})[0] == 200


def test_it_listens_on_loopback_alone(server: DemoServer) -> None:
    assert server.server_address[0] == "127.0.0.1"


def test_a_taken_port(server: DemoServer, session: Session) -> None:
    with pytest.raises(NestError, match="something else uses") as raised:
        DemoServer(session, server.server_port)
    assert "--port 0" in str(raised.value)


def test_a_silent_connection_blocks_nobody(server: DemoServer) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port)):
        assert ask(server, "/predict/0/0")[0] == 200
