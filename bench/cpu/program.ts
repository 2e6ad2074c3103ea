import { serveProgram } from '../cluster/program.js'
import { loadPeer, type PeerName } from '../peers/peers.js'
import { createMessagePair } from './message-pair.js'
import { compareBlocks, type Blocks } from './blocks.js'

serveProgram<{ peer: PeerName }>(({ peer }) => ({
  async measure(blocks: Blocks) {
    const pair = await createMessagePair(await loadPeer(peer))
    const cpu = async () => {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1_000
    }
    return compareBlocks(blocks, {
      prepare: async (messages) => pair.prepare(messages),
      parse: async () => pair.parse(),
      client: pair.client,
      cpu,
    })
  },
}))
