// Successive halving over many machines, with the rungs in Redis.
import type { Redis } from "ioredis";
import type { Curves } from "../training/history";
import { isRung, rewardOf, survives } from "./halving";
import type { TrialJob } from "./messages";
import { EXPIRY, keyOf, onKey } from "./redis";

/** Maximum number of rewards of a rung that are read. */
const REWARDS = 100_000;

/** Decides by successive halving; a trial that reaches a rung again gets the same answer. */
export async function shouldContinue(
	redis: Redis,
	{ sweep, id, objective, better, halving }: TrialJob,
	curves: Curves,
	log: (line: string) => void,
): Promise<boolean> {
	const epoch = curves[objective].length;
	if (!halving || !isRung(epoch, halving)) return true;
	const reward = rewardOf(curves[objective][epoch - 1], better);
	const [answers, rung] = [keyOf(sweep, "rungs"), keyOf(sweep, `rung:${epoch}`)];
	const earlierAnswer = await onKey(redis, answers, log, () => redis.hget(answers, `${epoch}/${id}`));
	if (earlierAnswer === "true" || earlierAnswer === "false") return earlierAnswer === "true";
	if (earlierAnswer !== null) log(`entry ${epoch}/${id} of ${answers} in Redis is neither true nor false: replaced`);
	const before = await onKey(redis, rung, log, () => redis.lrange(rung, 0, REWARDS - 1));
	const rewards = before.filter(isReward).map(Number);
	if (rewards.length < before.length) {
		log(`${rung} in Redis has ${before.length - rewards.length} entries that are no numbers: skipped`);
		// With the right ones only, so that no other trial meets them.
		const replaced = redis.multi().del(rung);
		await (rewards.length > 0 ? replaced.rpush(rung, ...rewards.map(String)) : replaced).exec();
	}
	const answer = survives(reward, rewards, halving);
	await redis
		.multi()
		.rpush(rung, String(reward))
		.expire(rung, EXPIRY)
		.hset(answers, `${epoch}/${id}`, String(answer))
		.expire(answers, EXPIRY)
		.exec();
	return answer;
}

const isReward = (text: string) => text === "-Infinity" || /^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(text);
