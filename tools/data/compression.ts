// Archive formats, and what decompresses them.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, createReadStream, openSync, readSync } from "node:fs";
import * as zlib from "node:zlib";
import { python } from "../setup/paths.mjs";

/** How a tar file is compressed. */
export type Compression = "none" | "gzip" | "bzip2" | "xz";

/** Formats by their first bytes, because an address need not end in a file name; `null`: cannot be read here. */
const FORMATS: [signature: string, name: string, format: "zip" | Compression | null][] = [
	["PK\x03\x04", "zip", "zip"],
	["PK\x05\x06", "zip", "zip"],
	["\x1f\x8b", "gzip", "gzip"],
	["BZh", "bzip2", "bzip2"],
	["\xfd7zXZ\0", "xz", "xz"],
	["\x28\xb5\x2f\xfd", "Zstandard", null],
	["7z\xbc\xaf\x27\x1c", "7z", null],
	["Rar!", "RAR", null],
];

/**
 * Detects the format of an archive by its content.
 *
 * @param label what messages call the archive
 * @throws when it is no archive, or one that cannot be read here
 */
export function formatOfArchive(archive: string, label: string): "zip" | Compression {
	const head = Buffer.alloc(262);
	const descriptor = openSync(archive, "r");
	readSync(descriptor, head);
	closeSync(descriptor);
	const text = head.toString("latin1");
	if (text.endsWith("ustar")) return "none";
	const [, name, format] = FORMATS.find(([signature]) => text.startsWith(signature)) ?? [];
	if (format) return format;
	if (name) throw new Error(`${label} is a ${name} archive: unpack it yourself and give the folder.`);
	throw new Error(`${label} is not a .zip, .tar, .tar.gz, .tar.bz2 or .tar.xz archive.`);
}

/** Yields the decompressed bytes of a file. */
export async function* decompressed(file: string, compression: Compression): AsyncGenerator<Buffer> {
	if (compression === "none") yield* createReadStream(file);
	else if (compression === "gzip") yield* createReadStream(file).pipe(zlib.createGunzip());
	else yield* throughPython(file, compression);
}

/** Decompresses with Python's standard library, which set-up needs anyway: Node has neither bzip2 nor xz. */
async function* throughPython(file: string, compression: "bzip2" | "xz"): AsyncGenerator<Buffer> {
	const name = compression === "xz" ? "lzma" : "bz2";
	const code = `import ${name}, shutil, sys
with ${name}.open(sys.argv[1]) as file: shutil.copyfileobj(file, sys.stdout.buffer, 1 << 20)`;
	const child = spawn(python, ["-c", code, file], { stdio: ["ignore", "pipe", "pipe"] });
	let errors = "";
	child.stderr.setEncoding("utf8").on("data", (text) => {
		errors += text;
	});
	const ended = once(child, "close");
	ended.catch(() => {}); // handled below, unless the reader stops before
	try {
		yield* child.stdout;
		const [status] = await ended;
		if (status === 0) return;
		const why = errors.trim().split("\n").at(-1) ?? "";
		if (why.startsWith("ModuleNotFoundError")) throw new Error(`this Python has no ${name} to unpack it with`);
		throw new Error(why.replace(/^\w+(\.\w+)*: /, "") || "it cannot be decompressed");
	} finally {
		child.kill();
	}
}
