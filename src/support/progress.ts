// Progress of loops over many files, with interrupt checks.
import { checkInterrupt } from "./kernel";

/** The progress of a loop over files. */
export interface FileProgress {
	/** The number of processed files, of `files` in all. */
	done: number;
	files: number;
	/** Seconds since the start. */
	seconds: number;
}

/**
 * Receives progress about twice a second, and at the end. `null`: no progress. Default: prints a line every ten
 * seconds.
 */
export type OnFileProgress = ((progress: FileProgress) => void) | null;

/**
 * Counts processed files and reports progress.
 *
 * @param files the number of files in all
 * @returns `tick`, to be awaited after each file, which throws an `AbortError` after an interrupt; `end`, which reports
 *   the last progress
 */
export function fileProgress(files: number, onProgress: OnFileProgress = printEvery(10)) {
	const started = performance.now();
	let [done, reportedAt] = [0, started];
	const report = () => onProgress?.({ done, files, seconds: (performance.now() - started) / 1000 });
	return {
		async tick() {
			done++;
			if (done % 16 || performance.now() - reportedAt < 500) return;
			reportedAt = performance.now();
			report();
			await checkInterrupt();
		},
		end: report,
	};
}

/** Formats progress, for example as `"1,200 of 2,000 files, 5,000 a second, 1 s left"`. */
export function formatProgress({ done, files, seconds }: FileProgress): string {
	const rate = done / Math.max(seconds, 1e-3);
	const speed = `${rounded(rate)} a second`;
	if (done >= files) return `${rounded(done)} files in ${seconds.toFixed(1)} s, ${speed}`;
	return `${rounded(done)} of ${rounded(files)} files, ${speed}, ${rounded((files - done) / rate)} s left`;
}

const rounded = (value: number) => Math.round(value).toLocaleString("en");

function printEvery(interval: number): OnFileProgress {
	let printedAt = 0;
	return (progress) => {
		if (progress.done === progress.files || progress.seconds < printedAt + interval) return;
		printedAt = progress.seconds;
		console.log(formatProgress(progress));
	};
}
