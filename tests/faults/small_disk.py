"""A small disk for the database of a stack: a file system in memory in a mount namespace of its own, so that nothing has to be undone
outside. It takes root. The server has to be down when it is put on the disk, and when it is taken off."""
import os
import subprocess
from pathlib import Path

MAKE = ('mount -t tmpfs -o mode=700,size=$(($(du -sm data | cut -f1) + $0))m none small && cp -a --sparse=never data/. small && '
        'mount --move small data && echo made && exec sleep 300')
ENTER = 'cd "$0" && exec "$@"'


def is_possible():
    return os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0


class SmallDisk:
    """free: MiB beside what the database has."""
    def __init__(self, keeper, free):
        self.keeper, self.free, self.folder = keeper, free, keeper.dir / "database"
        self.command = keeper.commands["database"]

    def __enter__(self):
        self.keeper.kill("database", before_start=self.put_on)
        self.keeper.wait_for("database", "pool")
        return self

    def put_on(self):
        (self.folder / "small").mkdir(exist_ok=True)
        self.holder = subprocess.Popen(["unshare", "--mount", "sh", "-c", MAKE, str(self.free)], cwd=self.folder, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout.readline() == "made\n"
        self.data = Path(f"/proc/{self.holder.pid}/root{self.folder}/data")
        self.filler = self.data / "filler"
        self.keeper.commands["database"] = ["nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", "sh", "-c", ENTER, self.folder, *self.command]

    def fill(self):
        with open(self.filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass

    def make_room(self):
        self.filler.unlink(missing_ok=True)

    def take_off(self):
        subprocess.run(["sh", "-c", 'rm -rf data/* && cp -a "$0/." data', self.data], cwd=self.folder, check=True, timeout=60)
        self.keeper.commands["database"] = self.command
        self.holder.kill()
        self.holder.wait()
        (self.folder / "small").rmdir()

    def __exit__(self, *_):
        self.make_room()
        self.keeper.kill("database", before_start=self.take_off)
        self.keeper.wait_for("database", "pool")
