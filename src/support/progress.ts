// Tells how far going through many files has come, and lets the interrupt button be heard meanwhile.
import { checkInterrupt } from "./kernel";

/** How far going through files has come. */
export interface FileProgress {
	/** The files that are done, of `files` in all. */
	done: number;
	files: number;
	/** Since the start. */
	seconds: number;
}

/** What is told of progress: about twice a second, and at the end. `null`: nothing is. Default: a line every ten seconds. */
export type OnFileProgress = ((progress: FileProgress) => void) | null;

/**
 * Counts files.
 *
 * @returns `tick`, to be called after each file, which throws when the work is interrupted; and `end`
 */
export function fileProgress(files: number, onProgress: OnFileProgress = printEvery(10)) {
	const started = performance.now();
	let [done, toldAt] = [0, started];
	const tell = () => onProgress?.({ done, files, seconds: (performance.now() - started) / 1000 });
	return {
		async tick() {
			done++;
			if (done % 16 || performance.now() - toldAt < 500) return;
			toldAt = performance.now();
			tell();
			await checkInterrupt();
		},
		end: tell,
	};
}

/** Says it in words, for example `"1,200 of 2,000 files, 5,000 a second, 1 s left"`. */
export function formatProgress({ done, files, seconds }: FileProgress): string {
	const rate = done / Math.max(seconds, 1e-3);
	const speed = `${rounded(rate)} a second`;
	if (done >= files) return `${rounded(done)} files in ${seconds.toFixed(1)} s, ${speed}`;
	return `${rounded(done)} of ${rounded(files)} files, ${speed}, ${rounded((files - done) / rate)} s left`;
}

const rounded = (value: number) => Math.round(value).toLocaleString("en");

function printEvery(interval: number): OnFileProgress {
	let printed = 0;
	return (progress) => {
		if (progress.done === progress.files || progress.seconds < printed + interval) return;
		printed = progress.seconds;
		console.log(formatProgress(progress));
	};
}
