// TensorFlow's C libraries and headers, out of its wheel for Python: which Python that is for does not matter to them.
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { download, PINNED } from "./packages.mjs";
import { at, python, tensorflowFolder } from "./paths.mjs";
import { runQuietly } from "./processes.mjs";
import { contents, pathsIn, step } from "./steps.mjs";

/** For pip: the wheel for a Python that TensorFlow is published for, whichever Python runs here. */
export const ANY_PYTHON = ["--python-version", "3.13", "--only-binary", ":all:"];

// The libraries and the headers of the C API. All else in the wheel, 0.5 of 1.3 GB, is for programs in Python and C++.
const UNPACK = `
import re, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    headers = "include/(tensorflow/(c|core/platform)|tsl/platform|xla/tsl/c)/"
    used = re.compile(rf"tensorflow/(libtensorflow_(cc|framework)|{headers})|[^/]*[.]dist-info/")
    wheel.extractall(sys.argv[2], [name for name in wheel.namelist() if used.match(name)])`;

export async function installTensorFlow() {
	const requirements = at("requirements-tensorflow.txt");
	const inputs = [contents(requirements), UNPACK, process.platform, process.arch];
	const name = "TensorFlow (about 280 MB to download)";
	await step(name, join(tensorflowFolder, ".stamp"), inputs, async () => {
		const downloads = join(tensorflowFolder, "download");
		rmSync(tensorflowFolder, { recursive: true, force: true });
		mkdirSync(downloads, { recursive: true });
		const pip = ["-m", "pip", "download", ...PINNED, ...ANY_PYTHON];
		await download(python, [...pip, "--dest", downloads, "-r", requirements]);
		const [wheel] = pathsIn(downloads);
		await runQuietly(python, ["-c", UNPACK, wheel, tensorflowFolder]);
		rmSync(downloads, { recursive: true });
	});
}

/**
 * The folder with TensorFlow's libraries and headers.
 *
 * @throws when set-up has not unpacked them
 */
export function tensorflowDir() {
	const folder = join(tensorflowFolder, "tensorflow");
	if (existsSync(folder)) return folder;
	throw new Error(".venv has no TensorFlow: run npm run setup");
}

/** The name of the wheel's folder of metadata, which ends in its version: `tensorflow_cpu-2.21.0.dist-info`. */
export function tensorflowWheel() {
	tensorflowDir();
	const name = readdirSync(tensorflowFolder).find((name) => /^tensorflow.*\.dist-info$/.test(name));
	if (name) return name;
	throw new Error(`${tensorflowFolder} does not say which TensorFlow it has: remove .venv and run npm run setup`);
}

/** The version of the TensorFlow in `.venv`. */
export const tensorflowVersion = () => tensorflowWheel().replace(/^.*-([\d.]+)\.dist-info$/, "$1");
