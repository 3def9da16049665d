"""Readers of Debian, one process for all messages: Python's email, GMime, Evolution's Camel.

In: four octets of length (big endian), then a message, again and again. Out: one line of JSON for each,
{"reader": [[sha256, sha256 without line ends, size, name, text of a body or null], ...]}.
"""
import email, email.policy, hashlib, json, os, struct, sys

out = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

readers = {}


def leaf(content, is_body, name):
    plain = content.replace(b"\r", b"").strip(b"\n")
    return [hashlib.sha256(content).hexdigest(), hashlib.sha256(plain).hexdigest(), len(plain), name or "", plain.decode("latin1") if is_body else None]


def python_email(policy):
    def read(octets):
        parts = []
        for part in email.message_from_bytes(octets, policy=policy).walk():
            if part.is_multipart():
                continue
            content = part.get_payload(decode=True)
            if content is None:
                continue
            try:
                name = part.get_filename()
            except Exception:
                name = ""
            is_body = part.get_content_maintype() == "text" and not name
            parts.append(leaf(content, is_body, name))
        return parts

    return read


readers["python"] = python_email(email.policy.compat32)

try:
    import gi

    gi.require_version("GMime", "3.0")
    from gi.repository import GMime

    GMime.init()

    def gmime(octets):
        parts = []

        def walk(one, depth):
            if one is None or depth > 40:
                return
            if isinstance(one, GMime.Multipart):
                for at in range(one.get_count()):
                    walk(one.get_part(at), depth + 1)
            elif isinstance(one, GMime.MessagePart):
                message = one.get_message()
                if message:
                    walk(message.get_mime_part(), depth + 1)
            elif isinstance(one, GMime.Part):
                wrapper = one.get_content()
                if wrapper is None:
                    return
                stream = GMime.StreamMem.new()
                wrapper.write_to_stream(stream)
                kind = one.get_content_type()
                name = one.get_filename()
                is_body = kind is None or (kind.get_media_type() == "text" and not name)
                parts.append(leaf(bytes(stream.get_byte_array()), is_body, name))

        stream = GMime.StreamMem.new_with_buffer(octets)
        message = GMime.Parser.new_with_stream(stream).construct_message(None)
        if message:
            walk(message.get_mime_part(), 0)
        return parts

    readers["gmime"] = gmime
except (ImportError, ValueError):
    pass

try:
    gi.require_version("Camel", "1.2")
    from gi.repository import Camel, Gio, GLib

    Camel.init(GLib.get_tmp_dir(), False)

    def camel(octets):
        parts = []

        def walk(one, depth):
            if depth > 40:
                return
            content = one.get_content()
            if isinstance(content, Camel.Multipart):
                for at in range(content.get_number()):
                    walk(content.get_part(at), depth + 1)
            elif isinstance(content, Camel.MimePart):
                walk(content, depth + 1)
            elif content is not None:
                stream = Gio.MemoryOutputStream.new_resizable()
                content.decode_to_output_stream_sync(stream, None)
                stream.close(None)
                name = one.get_filename() or ""
                kind = content.get_mime_type() or "text/plain"
                octets = stream.steal_as_bytes().get_data() or b""
                parts.append(leaf(octets, kind.startswith("text/") and not name, name))

        message = Camel.MimeMessage.new()
        message.construct_from_input_stream_sync(Gio.MemoryInputStream.new_from_bytes(GLib.Bytes.new(octets)), None)
        walk(message, 0)
        return parts

    readers["camel"] = camel
except (ImportError, NameError, ValueError):
    pass

print(json.dumps(sorted(readers)), file=out, flush=True)
while True:
    head = sys.stdin.buffer.read(4)
    if len(head) < 4:
        break
    octets = sys.stdin.buffer.read(struct.unpack(">I", head)[0])
    answer = {}
    for name, read in readers.items():
        try:
            answer[name] = read(octets)
        except Exception as error:  # A reader that fails shows nothing.
            answer[name] = []
    print(json.dumps(answer), file=out, flush=True)
