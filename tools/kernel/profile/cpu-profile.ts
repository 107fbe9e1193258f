// Records a CPU profile of this thread, by V8's sampling profiler.
// https://chromedevtools.github.io/devtools-protocol/v8/Profiler/
import { type Profiler, Session } from "node:inspector";

export type CpuProfile = Profiler.Profile;
type StopReturn = Profiler.StopReturnType;

/** Microseconds between two samples. */
const INTERVAL = 500;

/** Begins to record where this thread spends its time. The result ends that. */
export async function startProfile(): Promise<() => Promise<CpuProfile>> {
	const session = new Session();
	session.connect();
	await post(session, "Profiler.enable");
	await post(session, "Profiler.setSamplingInterval", { interval: INTERVAL });
	await post(session, "Profiler.start");
	return async () => {
		const { profile } = (await post(session, "Profiler.stop")) as StopReturn;
		session.disconnect();
		return profile;
	};
}

function post(session: Session, method: string, params?: object): Promise<unknown> {
	return new Promise((resolve, reject) => {
		session.post(method, params, (error, result) => (error ? reject(error) : resolve(result)));
	});
}
