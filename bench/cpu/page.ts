import type { Peer } from '../peers/peer.js'
import { createMessagePair } from './message-pair.js'

/** Stores a peer's pair where the process that drives the page finds it. */
export async function offer(peer: Peer): Promise<void> {
  Object.assign(window, { pair: await createMessagePair(peer) })
}
