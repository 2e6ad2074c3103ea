// Two servers with one log, between which a client hands over; or a server of another library.
import { createLiveServer, memoryLog } from 'livesocket/server'
import { serveProgram } from '../cluster/program.js'
import { KINDS, type KindName } from '../server/kinds.js'

/** How long a publish into `slow` takes, ms. The overlap of a handover that waits for its answer lasts as long. */
const SLOW = 300

async function liveSides() {
  const log = memoryLog()
  const limits = { messagesPerSecond: 5_000 }
  const servers = [0, 1].map(() =>
    createLiveServer({
      port: 0,
      path: '/live',
      log,
      limits,
      authenticate: () => ({ subject: 'bench' }),
      authorize: () => true,
      onPublish: ({ topic }) =>
        topic === 'slow' ? new Promise<undefined>((resolve) => setTimeout(resolve, SLOW, undefined)) : undefined,
    }),
  )
  await Promise.all(servers.map(({ ready }) => ready))
  return servers.map((live) => live.address())
}

serveProgram<{ kind: KindName }>(({ kind }) => ({
  async listen() {
    if (kind === 'livesocket') return { urls: await liveSides() }
    const { port } = await (await KINDS[kind]()).kind.listen()
    return { urls: [`ws://127.0.0.1:${port}/`] }
  },
}))
