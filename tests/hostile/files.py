"""Outputs and inputs that cannot be files: option, what is written there, what the sentence says.

In the working folder lie: `ok.png`, a picture with a recipe; `file.txt`; `full`, a folder with a file; `folder.png`, a folder;
`broken.png`, a link to nothing; `loop.png`, a link to itself; `pipe.png`, a pipe on which reading waits for ever; `in.ckpt`.
"""

from __future__ import annotations

LONG = "n" * 300

OUTS = {  # what is wrong -> (path without suffix or whole, what is said)
    "nothing": ("", "expected a path, got an empty text"),
    "nul": ("a\0b{}", "expected a path without NUL and of whole letters"),
    "half a letter": ("a\udcff{}", "expected a path without NUL and of whole letters"),
    "nobody's home": ("~nobody-here/a{}", "expected a path whose ~ is a home folder, got ~nobody-here/a"),
    "long name": (f"{LONG}{{}}", r"expected a file name of at most 255 bytes, got n{40}\.\.\. Shorten it\."),
    "long folder": (f"{LONG}/a{{}}", r"expected a file name of at most 255 bytes, got n{40}\.\.\. Shorten it\."),
    "long path": ("m/" * 2100 + "a{}", "expected a path that can be written, got m/m/.*File name too long"),
    "file as folder": ("file.txt/a{}", r"expected a folder, got the file file\.txt\. Choose another place\."),
    "file far above": ("file.txt/b/c/a{}", r"expected a folder, got the file file\.txt\. Choose another place\."),
    "no folder": ("my folder/a{}", "expected an existing folder, got my folder. Make it first: mkdir -p 'my folder'"),
    "proc": ("/proc/a{}", r"expected a writable folder, got /proc\. Choose another"),
}
SINGLE = {  # only where one file is written
    "suffix alone": ("{}", "expected a file name before the suffix, got {}. Write picture{}, say."),
    "broken link": ("broken{}", "expected a new file, but broken{} exists. Choose another name"),
    "link to itself": ("loop{}", "expected a new file, but loop{} exists. Choose another name"),
    "pipe": ("pipe{}", "expected a new file, but pipe{} exists. Choose another name"),
    "folder": ("folder{}", "expected a file to write, got the folder folder{}. Add a file name to it."),
    "existing": ("ok{}", "expected a new file, but ok{} exists."),
}
VERBS = {  # verb -> words, option, suffix
    "generate": (("generate", "a red disc", "-m", "toy"), "--out", ".png"),
    "compose": (("compose", "a red disc", "-m", "toy"), "--out", ".png"),
    "invert": (("invert", "ok.png", "-m", "toy"), "--out", ".png"),
    "replay": (("replay", "ok.png"), "--out", ".png"),
    "interpolate": (("interpolate", "ok.png", "ok.png"), "--out", ".gif"),
    "sheet": (("generate", "a red disc", "-m", "toy", "--out", "new.png"), "--sheet", ".png"),
    "invert's sheet": (("invert", "ok.png", "-m", "toy", "--out", "new.png"), "--sheet", ".png"),
}
FOLDERS = {  # where a folder is asked for
    "link to nothing": ("broken.png.folder", "expected a folder, got the file broken.png.folder."),
    "file": ("file.txt", "expected a folder, got the file file.txt."),
    "device": ("/dev/null", "expected a folder, got the file /dev/null."),
    "in a file": ("file.txt/a", "expected a folder, got the file file.txt. Choose another place."),
    "proc": ("/proc/a", "expected a writable folder, got /proc. Choose another"),
    "proc itself": ("/proc", "expected a writable folder, got /proc. Choose another"),
    "long": (LONG, r"expected a file name of at most 255 bytes"),
}
OTHERS = [  # words, the sentence
    (
        ("generate", "a", "-m", "toy", "-o", "pipe.png", "--overwrite"),
        "--out: expected a file to write, got the pipe or device",
    ),
    (("generate", "a", "-m", "toy", "-o", "a.jpg"), "--out: expected a folder or a file that ends in .png"),
    (("generate", "a", "-m", "toy", "-o", "a.png", "--sheet", "./a.png"), "--sheet: expected another file than the output's"),
    (("generate", "a", "-m", "toy", "-o", "a.png", "--sheet", "a.jpg"), "--sheet: expected a file that ends in .png"),
    (("generate", "a", "-m", "toy", "-o", "file.png", "--progress", "pictures"), "progress: expected a folder to write"),
    (
        ("generate", "a", "-m", "toy", "-o", f"{'n' * 250}.png", "--progress", "pictures"),
        "--progress: expected a file name of at most 255 bytes",
    ),
    (("generate", "a", "-m", "toy", "-o", "full", "--progress", "pictures"), "progress: expected an empty folder"),
    (("convert", "in.ckpt", "x.bin"), "target: expected a file name that ends in .safetensors"),
    (("convert", "in.ckpt", "no/x.safetensors"), "target: expected an existing folder, got no"),
    (("convert", "in.ckpt", ".safetensors"), "target: expected a file name"),
    (("convert", "in.ckpt", "file.txt/x.safetensors"), "target: expected a folder, got the file file.txt"),
    (("convert", "in.ckpt", "/proc/x.safetensors"), "target: expected a writable folder, got /proc"),
    (("convert", "in.ckpt", f"{LONG}.safetensors"), "target: expected a file name of at most 255 bytes"),
    (("convert", "pipe.png", "x.safetensors"), "source: expected a readable file, got the pipe or device pipe.png"),
    (("convert", "full", "x.safetensors"), "source: expected a readable file, got the folder full"),
    (("convert", "gone", "x.safetensors"), "source: expected an existing file, got gone"),
    (("convert", "/dev/zero", "x.safetensors"), "source: expected a readable file, got the pipe or device /dev/zero"),
    (("plugins", "new", "my_gan", "--out", ""), "expected a path, got an empty text"),
    (("plugins", "new", "my_gan", "--out", "file.txt/x"), "--out: expected a folder, got the file file.txt"),
    (("plugins", "new", "my_gan", "--out", "broken.png"), "--out: expected a new folder, but broken.png exists"),
    (("plugins", "new", "my_gan", "--out", "/proc/x"), "--out: expected a writable folder, got /proc"),
    (("plugins", "new", "my_gan", "--out", LONG), "--out: expected a file name of at most 255 bytes"),
    (("plugins", "new", "my_gan", "--out", "~nobody-here/x"), "expected a path whose ~ is a home folder"),
    (("interpolate", "ok.png", "ok.png", "-o", "x.avi"), "--out: expected a file that ends in .gif or .mp4"),
]
PICTURES = {  # what is given as a picture -> what is said
    "": "expected a path, got an empty text",
    "gone.png": "expected an existing (file|picture.*), got gone.png",
    "a\0.png": "expected a path without NUL",
    "~nobody-here/a.png": "expected a path whose ~ is a home folder",
    LONG: "expected an existing (file|picture.*), got n{100,}",
    "loop.png": "expected an existing (file|picture.*), got loop.png",
    "broken.png": "expected an existing (file|picture.*), got broken.png",
    "pipe.png": "expected a readable (PNG|picture), got the pipe or device pipe.png",
    "/dev/zero": "expected a readable (PNG|picture), got the pipe or device /dev/zero",
    "file.txt": "expected a readable (PNG|picture), got file.txt",
    "file.txt/a.png": "expected an existing (file|picture.*), got file.txt/a.png",
    "program.eps": r"expected a readable (PNG|picture), got program.eps \(cannot identify image file",
}
READERS = {  # verb -> words before and behind
    "invert": (("invert",), ("-m", "toy", "-o", "new.png")),
    "replay": (("replay",), ("-o", "new.png")),
    "interpolate": (("interpolate", "ok.png"), ("-o", "new.gif")),
    "start": (("generate", "a", "-m", "toy", "-o", "new.png", "--start"), ()),
    "background": (("compose", "a", "-m", "toy", "-o", "new.png", "--background-picture"), ()),
    "image prompt": (("generate", "a", "-m", "toy", "-o", "new.png", "--image-prompt"), ()),
}
