"""A picture of a page as a small file: such pages have few colours, so a byte for each pixel is enough."""

import base64
import json
import struct
import zlib

from playwright.sync_api import Page

# The 256 most frequent colours; any other becomes the nearest of them.
_REDUCE = """async (address) => {
    const image = await createImageBitmap(await (await fetch(address)).blob());
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const pixels = new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer);
    const counts = new Map();
    for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) || 0) + 1);
    const palette = [...counts].sort((one, other) => other[1] - one[1]).slice(0, 256).map(([colour]) => colour);
    const parts = (colour) => [colour & 255, (colour >> 8) & 255, (colour >> 16) & 255];
    const known = palette.map(parts);
    const nearest = (colour) => {
        const wanted = parts(colour);
        const distances = known.map((each) => each.reduce((sum, part, i) => sum + (part - wanted[i]) ** 2, 0));
        return distances.indexOf(Math.min(...distances));
    };
    const places = new Map([...counts.keys()].map((colour) => [colour, nearest(colour)]));
    const bytes = Uint8Array.from(pixels, (pixel) => places.get(pixel));
    let text = "";
    for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
    return JSON.stringify({width: image.width, height: image.height, palette: known.flat(), pixels: btoa(text)});
}"""


def small_png(page: Page, png: bytes) -> bytes:
    """
    The same picture with at most 256 colours.

    Args:
        page: any; it is left as it is.
    """
    made = json.loads(page.evaluate(_REDUCE, f"data:image/png;base64,{base64.b64encode(png).decode()}"))
    width, height, pixels = made["width"], made["height"], base64.b64decode(made["pixels"])
    rows = b"".join(b"\0" + pixels[start : start + width] for start in range(0, len(pixels), width))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"PLTE", bytes(made["palette"])), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
