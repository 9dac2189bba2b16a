"""What redaction costs, by Tests/Bench/Redaction, over real sessions where there are some."""

import json
import os
import pathlib
import subprocess

import measuring
from measuring import MB, ROOT


def measure():
    named = os.environ.get("UPLOADER_CORPUS")
    real = pathlib.Path(named) if named else ROOT.parent / "shared/corpus/home"
    home = real if real.is_dir() else measuring.many_sessions(40 * MB)
    program = ROOT / ".build/release/redaction-bench"
    result = subprocess.run([program, *measuring.files(home)], check=True, capture_output=True, text=True)
    return {"real": real.is_dir(), **json.loads(result.stdout)}


def lines(result):
    yield (f"Redaction, {result['rules']:.0f} rules, {result['bytes'] / MB:.0f} MB of "
           f"{'real' if result['real'] else 'generated'} sessions in {result['lines']:.0f} lines, {result['found']:.0f} secrets")
    yield f"  redactor                 {result['redactor']:8.1f} MB per CPU second, {result['of_vectorscan']:.2f} of Vectorscan alone"
    yield f"  Vectorscan alone         {result['vectorscan']:8.1f}"
    yield f"  keyword, then PCRE2      {result['keyword_pcre2']:8.1f}"
    yield f"  each rule by PCRE2       {result['each_pcre2']:8.1f}"
    yield (f"  a line of 8 MiB          {result['longest_line_ms']:8.1f} ms; full of keywords "
           f"{result['longest_dense_line_ms']:.1f} ms")
    yield f"  rules ready              {result['load_ms']:8.1f} ms from the cache, {result['compile_ms']:.0f} ms without"
