"""Node, which runs written modules for the tests and drills: one process for all of them."""

import json
import math
import shutil
import subprocess
import tempfile
from pathlib import Path

NODE = shutil.which("node")
MISSING = "node is not installed (Debian: nodejs)"

SERVER = """
import { createInterface } from "node:readline";
const revived = (value) => {
  if (Array.isArray(value)) return value.map(revived);
  if (value === null || typeof value !== "object") return value;
  if (value["\\u0000code"] !== undefined) return eval(value["\\u0000code"]);
  const found = {};
  for (const name of Object.keys(value)) {
    Object.defineProperty(found, name, { value: revived(value[name]), enumerable: true });
  }
  return found;
};
for await (const line of createInterface({ input: process.stdin })) {
  const { path, calls } = JSON.parse(line);
  let answer;
  try {
    const module = await import(path);
    answer = { values: calls.map(([name, ...given]) =>
      typeof module[name] === "function" ? module[name](...given.map(revived)) : module[name]) };
  } catch (error) {
    answer = { error: `${error.name}: ${error.message}` };
  }
  console.log(JSON.stringify(answer));
}
"""


class JavaScriptError(Exception):
    """What a module threw."""


class Node:
    """A running Node."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory()
        self.path = Path(self._folder.name)
        (self.path / "server.mjs").write_text(SERVER, encoding="utf-8")
        self._process = subprocess.Popen(
            [NODE, "server.mjs"], cwd=self.path, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, encoding="utf-8",
        )  # fmt: skip
        self._n = 0

    def close(self):
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()
        self._folder.cleanup()

    def load(self, source):
        """Write a module down, and give a function that calls its functions."""
        self._n += 1
        path = self.path / f"module{self._n}.mjs"
        path.write_text(source, encoding="utf-8")
        return lambda name, *given: self.calls(path, [[name, *given]])[0]

    def calls(self, path, calls):
        told = json.dumps({"path": str(path), "calls": calls}, allow_nan=False)
        self._process.stdin.write(told + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise JavaScriptError(answer["error"])
        return answer["values"]


def code(text):
    """Give a cell that is an expression of JavaScript."""
    return {"\0code": text}


def rows_of(frame):
    """Give a frame as rows for JavaScript, None where a cell is missing."""
    return [
        {name: None if is_gone(cell) else cell for name, cell in row.items()}
        for row in frame.to_dict("records")
    ]


def is_gone(cell):
    return cell is None or (isinstance(cell, float) and math.isnan(cell))
