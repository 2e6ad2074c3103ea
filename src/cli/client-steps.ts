import type { ClientStage, ScriptedLeg } from './client-stage.js'

export const HANDOVER = { type: 'handover', id: 'asked', reason: 'a check', deadline: 10_000 }

export const list = (numbers: readonly number[]) => numbers.join(', ') || 'nothing'

/** Checks that the client has delivered exactly these offsets, in this order, and then nothing more. */
export async function delivers(stage: ClientStage, wanted: readonly number[], why: string) {
  await stage.until(
    () => stage.delivered.length >= wanted.length,
    `it should deliver ${list(wanted)}, but has delivered ${list(stage.delivered)}`,
  )
  await stage.stays(
    () => list(stage.delivered) === list(wanted),
    `${why}: it should deliver ${list(wanted)}, but delivered ${list(stage.delivered)}`,
    150,
  )
}

/** The first leg, welcomed at offset 0, with messages 1 to `count` delivered. */
export async function served(stage: ClientStage, count = 2): Promise<ScriptedLeg> {
  const leg = await stage.leg()
  leg.welcome({ offset: 0 })
  for (let offset = 1; offset <= count; offset++) leg.message(offset)
  await stage.until(() => stage.delivered.length === count, 'it should deliver what comes')
  return leg
}
