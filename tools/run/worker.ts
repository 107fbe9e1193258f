// Runs the worker of `npm run worker`, whose options are in the environment variable WORKER.
import { type WorkOptions, work } from "../../src/sweep/worker";

work(JSON.parse(process.env.WORKER as string) as WorkOptions).catch((error) => {
	console.error((error as Error).message);
	process.exit(1);
});
