"""What agents and their users say, and code, as compressible as real text."""

import base64

WORDS = ("the a session file reader writes each line once and waits for its receipt before segment cursor moves on "
         "error returned from store while opening catalog is full so that nothing was lost when process died after "
         "rename but first fsync of parent folder queue retry limit buffer offset length checksum manifest").split()
CODE = [
    "    guard let segment = try store.next(after: cursor) else { return nil }", "        let count = bytes.count",
    "    for (index, line) in lines.enumerated() where !line.isEmpty {", "}", "", "        return .failure(error)",
    "import os", "def main(arguments):", "    with open(path, 'rb') as source:", "        return source.read()",
    "func (s *Store) Put(ctx context.Context, key string, r io.Reader) error {", "\tif err != nil {", "\t\treturn err",
    "\t}", "  const response = await fetch(url, { method: 'POST', body });", "  // the first error is the one that matters",
    "├── Sources", "│   ├── Store", "│   └── Capture", "└── Tests", "→ 12 passed, 0 failed", "#include <stdint.h>",
]
SPICE = ["—", "…", "→", "✓", "naïve", "Größe", "日本語", "🙂", "🚀", "\u001b[32mok\u001b[0m", "C:\\Users\\me\\src", "<b>", "\u0000"]


class Text:
    def __init__(self, rng):
        self.rng = rng
        self.pool = [self.fresh_line() for _ in range(400)]

    def fresh_line(self):
        rng = self.rng
        line = rng.choice(CODE)
        if rng.random() < 0.45:
            line += " " + " ".join(rng.choices(WORDS, k=rng.randrange(2, 9)))
        return line

    def prose(self, length):
        words = []
        left = length
        while left > 0:
            word = self.rng.choice(SPICE) if self.rng.random() < 0.02 else self.rng.choice(WORDS)
            words.append(word)
            left -= len(word) + 1
        return " ".join(words)

    def output(self, length):
        """A tool's output: numbered source code, much of it seen before."""
        lines = []
        number = self.rng.randrange(1, 900)
        left = length
        while left > 0:
            if self.rng.random() < 0.25:
                self.pool[self.rng.randrange(len(self.pool))] = self.fresh_line() + f" {self.rng.randrange(1 << 30):x}"
            line = f"{number:>6}→{self.rng.choice(self.pool)}"
            lines.append(line)
            left -= len(line) + 1
            number += 1
        return "\n".join(lines)

    def noise(self, length):
        """What does not compress: signatures, images, encrypted reasoning."""
        return base64.b64encode(self.rng.randbytes(max(1, int(length * 3 / 4)))).decode()

    def uuid(self):
        text = self.rng.randbytes(16).hex()
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"
