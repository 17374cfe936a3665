"""Shrinks and turns a picture: IN OUT SCALE DEGREES (Pillow), as a scanner or a camera would see it."""
import sys

from PIL import Image

source, target, scale, degrees = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
picture = Image.open(source).convert("L")
picture = picture.resize((int(picture.width * scale), int(picture.height * scale)), Image.LANCZOS)
picture.rotate(degrees, expand=True, fillcolor=255, resample=Image.BICUBIC).save(target)
