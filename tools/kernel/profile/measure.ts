// Measures a cell as its first line asks for, and shows what was measured.
import type { Publish } from "../execution";
import type { Stacks } from "../stacks";
import { startProfile } from "./cpu-profile";
import type { Directive } from "./directives";
import { profileBundle } from "./report";

/** Called when the code of a cell begins to run; returns what is called when the cell has ended, however it ends. */
type Measurement = () => Promise<() => Promise<void>>;

export interface Measured {
	/** Called when the code of the cell begins to run. */
	begin(): Promise<void>;
	/** Called when the cell has ended, however it ended. Shows nothing of one that was not begun. */
	end(): Promise<void>;
}

/** Returns how a cell is measured. */
export function measure(directive: Directive, publish: Publish, stacks: Stacks): Measured {
	const start: Measurement = directive === "time" ? timing(publish) : profiling(publish, stacks);
	let stop: (() => Promise<void>) | undefined;
	return {
		async begin() {
			stop = await start();
		},
		async end() {
			await stop?.();
		},
	};
}

const timing =
	(publish: Publish): Measurement =>
	async () => {
		const [started, before] = [performance.now(), process.cpuUsage()];
		return async () => {
			const { user, system } = process.cpuUsage(before);
			const seconds = (microseconds: number) => `${(microseconds / 1e6).toFixed(2)} s`;
			const wall = seconds((performance.now() - started) * 1e3);
			// All threads count, TensorFlow's too.
			const text = `Wall time ${wall}, CPU time ${seconds(user + system)} (user ${seconds(user)}, system ${seconds(system)})\n`;
			publish("stream", { name: "stdout", text });
		};
	};

const profiling =
	(publish: Publish, stacks: Stacks): Measurement =>
	async () => {
		const stop = await startProfile();
		return async () => {
			publish("display_data", { data: profileBundle(await stop(), stacks), metadata: {} });
		};
	};
