// Unpacks zip and tar archives so that a hostile file can do no harm.
import { closeSync, createReadStream, createWriteStream, mkdirSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { PassThrough, type Readable } from "node:stream";
import { finished, pipeline } from "node:stream/promises";
import * as zlib from "node:zlib";
import type { ReadEntry } from "tar";
import { type Entry, entryFor } from "./entries";

/** An archive that trying again cannot help: damaged, unsafe, or no archive at all. */
export class BadArchive extends Error {}

/** An archive that is fine but larger than the user allowed. */
class TooLarge extends Error {}

interface Limits {
	/** What messages call the archive. */
	label: string;
	/** Maximum size of the unpacked files in bytes. */
	maxBytes: number;
	/** Maximum number of entries. */
	maxEntries: number;
}

/**
 * Unpacks the images of a zip, tar or tar.gz file.
 *
 * The unpacked files are numbered: no name from the archive reaches the file system before the whole archive has been
 * checked.
 *
 * @param into the folder for the images; made if it is missing
 * @param limits `label`: default the archive's path; `maxBytes`: default 20e9; `maxEntries`: default 2e6
 * @returns what the archive holds
 * @throws BadArchive for path traversal, links, devices, encryption and damage; another error at the limits
 */
export async function unpack(archive: string, into: string, limits: Partial<Limits> = {}): Promise<Entry[]> {
	const { label = archive, maxBytes = 20e9, maxEntries = 2e6 } = limits;
	const format = formatOfArchive(archive);
	if (!format) throw new BadArchive(`${label} is not a .zip, .tar, .tar.gz or .tgz archive.`);
	mkdirSync(into, { recursive: true });
	const collector = new Collector(into, { label, maxBytes, maxEntries });
	try {
		if (format === "zip") await readZip(archive, collector);
		else await readTar(archive, format, collector);
		return collector.entries;
	} catch (error) {
		// An error with a system call is this machine's, a full disk for example: not the archive's fault.
		const { message, syscall } = error as NodeJS.ErrnoException;
		if (error instanceof BadArchive || error instanceof TooLarge || syscall) throw error;
		const why = message.replace(/^TAR_\w+: |\.$/g, "");
		throw new BadArchive(`${label} is damaged: ${why}.`, { cause: error });
	}
}

/** Detects the format by content, because an address need not end in a file name. */
function formatOfArchive(archive: string): "zip" | "gzip" | "tar" | null {
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
	readonly entries: Entry[] = [];
	#images = new Set<string>();
	#count = 0;
	#bytes = 0;
	#folder: string;
	#limits: Limits;

	constructor(folder: string, limits: Limits) {
		this.#folder = folder;
		this.#limits = limits;
	}

	/** The new entry for a name in the archive, or `null` when it is to be ignored. */
	add(name: string, isFolder: boolean): Entry | null {
		const { label, maxEntries } = this.#limits;
		if (++this.#count > maxEntries) throw new TooLarge(`${label} has more than ${maxEntries} entries.`);
		const parts = name.split("/").filter((part) => part !== "" && part !== ".");
		if (/^([/\\]|[a-z]:)/i.test(name) || name.includes("\0") || parts.includes("..")) {
			this.refuse(name, "has a name that leads out of the archive");
		}
		const entry = entryFor(parts.join("/"), isFolder, join(this.#folder, String(this.#count)));
		if (entry === null) return null;
		if (entry.kind === "image") {
			if (this.#images.has(entry.path)) this.refuse(name, "is there more than once");
			this.#images.add(entry.path);
		}
		this.entries.push(entry);
		return entry;
	}

	refuse(name: string, why: string): never {
		throw new BadArchive(`${this.#limits.label} was refused: ${name} ${why}.`);
	}

	/** Passes chunks on and counts them: what a header says about sizes may be a lie. */
	async *counted(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
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

/** An entry of a zip file, as far as it is used: yauzl comes without types. */
interface ZipItem {
	generalPurposeBitFlag: number;
	fileName: Buffer;
	extraFields: { id: number; data: Buffer }[];
	externalFileAttributes: number;
	crc32: number;
	isEncrypted(): boolean;
	canDecodeFileData(): boolean;
}

interface Yauzl {
	openPromise(
		path: string,
		options: { decodeStrings: boolean },
	): Promise<{ eachEntry(): AsyncIterable<ZipItem>; openReadStreamPromise(item: ZipItem): Promise<Readable> }>;
	getFileNameLowLevel(flags: number, name: Buffer, extra: ZipItem["extraFields"], strict: boolean): string;
}

async function readZip(archive: string, collector: Collector): Promise<void> {
	const yauzl = (await import("yauzl" as string)).default as Yauzl;
	// Raw names, because yauzl's own refusal of a name does not say which of its errors it is.
	const zip = await yauzl.openPromise(archive, { decodeStrings: false });
	for await (const item of zip.eachEntry()) {
		const name = yauzl.getFileNameLowLevel(item.generalPurposeBitFlag, item.fileName, item.extraFields, false);
		const type = (item.externalFileAttributes >>> 16) & 0o170000;
		if (![0, 0o100000, 0o040000].includes(type)) collector.refuse(name, "is a link or a device");
		const entry = collector.add(name, name.endsWith("/"));
		if (entry?.kind !== "image") continue;
		if (item.isEncrypted()) collector.refuse(name, "is encrypted: unpack the archive yourself and give the folder");
		if (!item.canDecodeFileData()) collector.refuse(name, "is compressed in a way that cannot be read here");
		const content = collector.counted(await zip.openReadStreamPromise(item));
		await pipeline(checked(content, item.crc32), createWriteStream(entry.file));
	}
}

/** Passes chunks on and compares their checksum. Node can compute one since 20.15; before, sizes must do. */
async function* checked(chunks: AsyncIterable<Buffer>, expected: number): AsyncGenerator<Buffer> {
	let sum = 0;
	for await (const chunk of chunks) {
		sum = zlib.crc32?.(chunk, sum) ?? expected;
		yield chunk;
	}
	if (sum !== expected) throw new Error("a checksum does not match");
}

async function readTar(archive: string, format: "gzip" | "tar", collector: Collector): Promise<void> {
	const { Parser } = await import("tar");
	const writing = new Set<Promise<void>>();
	const parser = new Parser({
		strict: true,
		onReadEntry(item) {
			const work: Promise<void> = takeFromTar(item, collector)
				.catch((error) => {
					parser.emit("error", error);
				})
				.finally(() => writing.delete(work));
			writing.add(work);
		},
	});
	// Cut between two entries, a tar file looks whole but for the end mark.
	let ended = false;
	parser.on("eof", () => {
		ended = true;
	});
	const unzip = format === "gzip" ? zlib.createGunzip() : new PassThrough();
	// Counted between unzipping and parsing, so that headers and skipped entries count too. The stream after the
	// generator is there because the parser may finish at once, which a generator's end would miss.
	const counted = (chunks: AsyncIterable<Buffer>) => collector.counted(chunks);
	const parse = parser as unknown as NodeJS.WritableStream;
	await pipeline(createReadStream(archive), unzip, counted, new PassThrough(), parse);
	await Promise.all(writing);
	if (!ended) throw new Error("its end is missing");
}

async function takeFromTar(item: ReadEntry, collector: Collector): Promise<void> {
	const isFolder = item.type === "Directory" || item.type === "GNUDumpDir";
	if (!isFolder && !["File", "OldFile", "ContiguousFile"].includes(item.type)) {
		collector.refuse(item.path, "is a link or a device");
	}
	const entry = collector.add(item.path, isFolder);
	if (entry?.kind === "image") await finished(item.pipe(createWriteStream(entry.file)));
	else item.resume();
}
