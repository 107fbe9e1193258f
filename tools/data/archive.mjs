// Archives for `npm run dataset`: fetched so that an interrupted download goes on, unpacked so that a hostile
// file can do no harm.
import { createHash } from "node:crypto";
import {
	closeSync,
	createReadStream,
	createWriteStream,
	existsSync,
	mkdirSync,
	openSync,
	readFileSync,
	readSync,
	renameSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { finished, pipeline } from "node:stream/promises";
import * as zlib from "node:zlib";

/** An archive that trying again cannot help: damaged, unsafe, or no archive at all. */
export class BadArchive extends Error {}

/** An archive that is fine but larger than the user allowed. */
class TooLarge extends Error {}

const isPicture = (path) => /\.(jpe?g|png|gif|bmp|webp|avif|tiff?)$/i.test(path);
const isIgnored = (name) => name.startsWith(".") || name === "__MACOSX";

/**
 * What a path in a source is: null when it is to be ignored, else an entry with its kind, "folder", "picture"
 * (what Keras's image_dataset_from_directory reads) or "other".
 */
export function entryFor(path, isFolder) {
	if (path === "" || path.split("/").some(isIgnored)) return null;
	return { path, kind: isFolder ? "folder" : isPicture(path) ? "picture" : "other" };
}

/**
 * Unpacks the pictures of a zip, tar or tar.gz file into the folder `into` and resolves to its entries:
 * `{ path: "cats/a.jpg", kind, file }`, where `file` is the place of an unpacked picture.
 *
 * The unpacked files are numbered: no name from the archive reaches the file system before the whole archive
 * has been checked. Throws BadArchive for path traversal, links, devices, encryption and damage, and stops at
 * `maxBytes` unpacked bytes or `maxEntries` entries. `label` is what messages call the archive.
 */
export async function unpack(archive, into, { label = archive, maxBytes = 20e9, maxEntries = 2e6 } = {}) {
	const reader = { zip: readZip, tar: readTar, gzip: readTar }[formatOf(archive)];
	if (!reader) throw new BadArchive(`${label} is not a .zip, .tar, .tar.gz or .tgz archive.`);
	mkdirSync(into, { recursive: true });
	try {
		return await reader(archive, new Collector(into, { label, maxBytes, maxEntries }));
	} catch (error) {
		// What has a system call failed on this machine, a full disk for example: not the archive's fault.
		if (error instanceof BadArchive || error instanceof TooLarge || error.syscall) throw error;
		const why = error.message.replace(/^TAR_\w+: |\.$/g, "");
		throw new BadArchive(`${label} is damaged: ${why}.`, { cause: error });
	}
}

/** By content, because an address need not end in a file name. */
function formatOf(archive) {
	const head = Buffer.alloc(262);
	const descriptor = openSync(archive, "r");
	readSync(descriptor, head);
	closeSync(descriptor);
	if (["PK\x03\x04", "PK\x05\x06"].includes(head.toString("latin1", 0, 4))) return "zip";
	if (head[0] === 0x1f && head[1] === 0x8b) return "gzip";
	return head.toString("latin1", 257) === "ustar" ? "tar" : null;
}

/** The entries seen so far, and the limits that they must keep to. */
class Collector {
	entries = [];
	#pictures = new Set();
	#count = 0;
	#bytes = 0;
	#folder;
	#limits;

	constructor(folder, limits) {
		this.#folder = folder;
		this.#limits = limits;
	}

	/** The new entry for a name in the archive, or null when it is to be ignored. */
	add(name, isFolder) {
		const { label, maxEntries } = this.#limits;
		if (++this.#count > maxEntries) throw new TooLarge(`${label} has more than ${maxEntries} entries.`);
		const parts = name.split("/").filter((part) => part !== "" && part !== ".");
		if (/^([/\\]|[a-z]:)/i.test(name) || name.includes("\0") || parts.includes("..")) {
			this.refuse(name, "has a name that leads out of the archive");
		}
		const entry = entryFor(parts.join("/"), isFolder);
		if (entry === null) return null;
		if (entry.kind === "picture") {
			if (this.#pictures.has(entry.path)) this.refuse(name, "is there more than once");
			this.#pictures.add(entry.path);
			entry.file = join(this.#folder, String(this.#count));
		}
		this.entries.push(entry);
		return entry;
	}

	refuse(name, why) {
		throw new BadArchive(`${this.#limits.label} was refused: ${name} ${why}.`);
	}

	/** Passes chunks on and counts them: what a header says about sizes may be a lie. */
	async *counted(chunks) {
		const { label, maxBytes } = this.#limits;
		for await (const chunk of chunks) {
			this.#bytes += chunk.length;
			if (this.#bytes > maxBytes) {
				throw new TooLarge(`${label} unpacks to more than ${maxBytes / 1e9} GB: allow more with --max-gb.`);
			}
			yield chunk;
		}
	}
}

async function readZip(archive, collector) {
	const yauzl = (await import("yauzl")).default;
	// Raw names, because yauzl's own refusal of a name does not say which of its errors it is.
	const zip = await yauzl.openPromise(archive, { decodeStrings: false });
	for await (const item of zip.eachEntry()) {
		const name = yauzl.getFileNameLowLevel(item.generalPurposeBitFlag, item.fileName, item.extraFields, false);
		const type = (item.externalFileAttributes >>> 16) & 0o170000;
		if (![0, 0o100000, 0o040000].includes(type)) collector.refuse(name, "is a link or a device");
		const entry = collector.add(name, name.endsWith("/"));
		if (!entry?.file) continue;
		if (item.isEncrypted()) collector.refuse(name, "is encrypted: unpack the archive yourself and give the folder");
		if (!item.canDecodeFileData()) collector.refuse(name, "is compressed in a way that cannot be read here");
		const content = collector.counted(await zip.openReadStreamPromise(item));
		await pipeline(checked(content, item.crc32), createWriteStream(entry.file));
	}
	return collector.entries;
}

/** Passes chunks on and compares their checksum. Node has one to offer since 20.15; before, sizes must do. */
async function* checked(chunks, expected) {
	let sum = 0;
	for await (const chunk of chunks) {
		sum = zlib.crc32?.(chunk, sum) ?? expected;
		yield chunk;
	}
	if (sum !== expected) throw new Error("a checksum does not match");
}

async function readTar(archive, collector) {
	const { Parser } = await import("tar");
	const writing = new Set();
	const parser = new Parser({
		strict: true,
		onReadEntry(item) {
			const work = takeFromTar(item, collector)
				.catch((error) => parser.emit("error", error))
				.finally(() => writing.delete(work));
			writing.add(work);
		},
	});
	// Cut between two entries, a tar file looks whole but for the end mark.
	let ended = false;
	parser.on("eof", () => {
		ended = true;
	});
	const unzip = formatOf(archive) === "gzip" ? zlib.createGunzip() : new PassThrough();
	// Counted between unzipping and parsing, so that headers and what is skipped count too. The stream after the
	// generator is there because the parser may finish at once, which a generator's end would miss.
	const counted = (chunks) => collector.counted(chunks);
	await pipeline(createReadStream(archive), unzip, counted, new PassThrough(), parser);
	await Promise.all(writing);
	if (!ended) throw new Error("its end is missing");
	return collector.entries;
}

async function takeFromTar(item, collector) {
	const isFolder = item.type === "Directory" || item.type === "GNUDumpDir";
	if (!isFolder && !["File", "OldFile", "ContiguousFile"].includes(item.type)) {
		collector.refuse(item.path, "is a link or a device");
	}
	const entry = collector.add(item.path, isFolder);
	if (!entry?.file) return item.resume();
	await finished(item.pipe(createWriteStream(entry.file)));
}

/**
 * Downloads `url` into `folder` and resolves to the file. What has arrived stays in a .part file when the
 * download breaks off; the next call asks only for the rest. A finished file is used again.
 */
export async function download(url, folder, { stallSeconds = 60 } = {}) {
	const name = join(folder, createHash("sha256").update(url).digest("hex").slice(0, 16));
	const done = `${name}.archive`;
	if (existsSync(done)) return done;
	mkdirSync(folder, { recursive: true });
	const stall = stallGuard(stallSeconds);
	try {
		const response = await request(url, name, stall.signal);
		await refuseAnswer(url, name, response);
		renameSync(await save(url, name, response, stall), done);
		rmSync(`${name}.version`, { force: true });
		return done;
	} finally {
		stall.stop();
	}
}

/** A timer that aborts `signal` unless `alive` is called at least every so many seconds. */
function stallGuard(seconds) {
	const controller = new AbortController();
	const giveUp = () => controller.abort(new Error(`nothing arrived for ${seconds} s`));
	const timer = setTimeout(giveUp, seconds * 1000);
	return { signal: controller.signal, alive: () => timer.refresh(), stop: () => clearTimeout(timer) };
}

const sizeOf = (file) => (existsSync(file) ? statSync(file).size : 0);
const causeOf = (error) => error.cause?.message || error.cause?.code || error.message;
const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

async function request(url, name, signal) {
	// Unasked, servers may compress on the way, and then Range counts other bytes than ours.
	const headers = { "Accept-Encoding": "identity" };
	const have = sizeOf(`${name}.part`);
	const version = existsSync(`${name}.version`) && readFileSync(`${name}.version`, "utf8");
	if (have > 0) headers.Range = `bytes=${have}-`;
	if (have > 0 && version) headers["If-Range"] = version;
	try {
		return await fetch(url, { headers, signal });
	} catch (error) {
		throw new Error(`Cannot download ${url}: ${causeOf(error)}.`);
	}
}

/** The offset and the full size in a Content-Range header, as far as they are given. */
function rangeOf(response) {
	const [, start, size] = /(?:(\d+)-\d+|\*)\/(\d+)/.exec(response.headers.get("content-range")) ?? [];
	return { start: Number(start), size: Number(size) };
}

async function refuseAnswer(url, name, response) {
	const { start, size } = rangeOf(response);
	const have = sizeOf(`${name}.part`);
	const isPage = /^text\/html/i.test(response.headers.get("content-type") ?? "");
	const isWholePart = response.status === 416 && size === have;
	const isOtherRange = (response.status === 416 && size !== have) || (response.status === 206 && start !== have);
	if (isWholePart || (response.ok && !isPage && !isOtherRange)) return;
	await response.body?.cancel();
	if (isOtherRange) {
		rmSync(`${name}.part`, { force: true });
		throw new Error(`${url}: the server cannot continue the earlier download. The same command starts it afresh.`);
	}
	if (response.ok) throw new Error(`${url} is a web page, not an archive: give the address of the file itself.`);
	throw new Error(`Cannot download ${url}: the server answers ${response.status} ${response.statusText}.`);
}

/** Writes what the server sends behind what is there and resolves to the finished file. */
async function save(url, name, response, stall) {
	const part = `${name}.part`;
	if (response.status === 416) return part;
	const resumed = response.status === 206;
	// Content that was decoded on its way has other offsets than the server's file: it cannot be resumed.
	const decoded = response.headers.has("content-encoding");
	const file = decoded ? `${name}.decoded` : part;
	const total = decoded ? 0 : rangeOf(response).size || Number(response.headers.get("content-length"));
	if (!resumed) writeFileSync(`${name}.version`, versionOf(response));
	const progress = progressLine(url, resumed ? sizeOf(part) : 0, total);
	const breakOff = (why) => {
		const kept = decoded ? "" : " The same command goes on from there.";
		return new Error(`The download of ${url} broke off after ${megabytes(sizeOf(file))} MB: ${why}.${kept}`);
	};
	const watched = async function* (chunks) {
		for await (const chunk of chunks) {
			stall.alive();
			progress.add(chunk.length);
			yield chunk;
		}
	};
	try {
		await pipeline(response.body, watched, createWriteStream(file, { flags: resumed ? "a" : "w" }));
	} catch (error) {
		throw breakOff(causeOf(error));
	} finally {
		progress.end();
	}
	if (sizeOf(file) < total) throw breakOff("the server ended it");
	return file;
}

/** What If-Range can compare: a weak ETag does not promise the same bytes. */
function versionOf({ headers }) {
	const etag = headers.get("etag");
	return etag && !etag.startsWith("W/") ? etag : (headers.get("last-modified") ?? "");
}

/** A bar that moves on a terminal, one plain line elsewhere. `total` is 0 where the server does not say. */
function progressLine(url, have, total) {
	const started = Date.now();
	let bytes = have;
	let drawn = 0;
	const draw = () => {
		const speed = `${megabytes((1000 * (bytes - have)) / (Date.now() - started + 1))} MB/s`;
		const share = Math.min(1, bytes / total);
		const bar = "█".repeat(share * 30).padEnd(30, "░");
		const size = `${megabytes(bytes)}${total ? ` of ${megabytes(total)}` : ""} MB`;
		process.stdout.write(`\r${total ? `${bar} ${Math.floor(share * 100)} %  ` : ""}${size}  ${speed}\x1b[K`);
		drawn = Date.now();
	};
	const [size, there] = [total && ` (${megabytes(total)} MB)`, have && `, ${megabytes(have)} MB are there already`];
	console.log(`downloading ${url}${size || ""}${there || ""}`);
	return {
		add(more) {
			bytes += more;
			if (process.stdout.isTTY && Date.now() - drawn > 100) draw();
		},
		end() {
			if (!process.stdout.isTTY) return;
			draw();
			console.log();
		},
	};
}
