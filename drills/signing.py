"""Model files whose parts are anybody's and whose checksum fits: what an attacker can make."""

import hashlib
import json

NO_DIGEST = "0" * 64


def parts_of(content):
    """Take a model file apart: its description, its tensors' entries, and their bytes."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    text = header.pop("__metadata__")["handgrad"]
    return text, json.dumps(header, separators=(",", ":")), content[8 + length :]


def signed(description, entries, body):
    """Put such parts together as a file; description and entries are texts of any kind."""
    metadata = json.dumps(
        {"handgrad": description, "sha256": NO_DIGEST}, separators=(",", ":"), ensure_ascii=False
    )
    inner = entries.strip().removeprefix("{").removesuffix("}")
    header = f'{{"__metadata__":{metadata}{"," if inner else ""}{inner}}}'
    text = header.encode("utf-8", "surrogatepass")
    text += b" " * (-len(text) % 8)
    content = len(text).to_bytes(8, "little") + text + body
    digest = hashlib.sha256(content).hexdigest()
    return content.replace(f'"sha256":"{NO_DIGEST}"'.encode(), f'"sha256":"{digest}"'.encode(), 1)
