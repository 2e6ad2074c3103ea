import type { Peer } from './peer.js'

/** Each peer is a module of its own, so that a process loads only the one that it measures. */
export const PEERS = {
  native: () => import('./native.js'),
  livesocket: () => import('./livesocket.js'),
  'live-web-socket': () => import('./live-web-socket.js'),
  'reconnecting-websocket': () => import('./reconnecting-websocket.js'),
  partysocket: () => import('./partysocket.js'),
  phoenix: () => import('./phoenix.js'),
  'graphql-ws': () => import('./graphql-ws.js'),
  'socket-io': () => import('./socket-io.js'),
  trpc: () => import('./trpc.js'),
  'signal-r': () => import('./signal-r.js'),
  centrifuge: () => import('./centrifuge.js'),
} satisfies Record<string, () => Promise<{ peer: Peer }>>

export type PeerName = keyof typeof PEERS

export async function loadPeer(name: PeerName): Promise<Peer> {
  return (await PEERS[name]()).peer
}
