import type { PeerName } from '../peers/peers.js'
import type { Stage, Staged } from './stage.js'

/** Something that is measured beside others. */
export interface Contender {
  /** Its name in tables. */
  readonly name: string
  /** The build of LiveSocket that its programs import. The other libraries get the present build and do not use it. */
  readonly build: Staged
}

export interface PeerContender extends Contender {
  readonly peer: PeerName
}

const OTHERS: readonly (readonly [name: string, peer: PeerName])[] = [
  ['reconnecting-websocket', 'reconnecting-websocket'],
  ['partysocket', 'partysocket'],
  ['phoenix', 'phoenix'],
  ['graphql-ws', 'graphql-ws'],
  ['socket.io-client', 'socket-io'],
  ['@trpc/client', 'trpc'],
  ['@microsoft/signalr', 'signal-r'],
  ['centrifuge', 'centrifuge'],
]

/** The builds of LiveSocket first, then the other client libraries. */
export function peerContenders(stage: Stage): PeerContender[] {
  const builds = stage.builds.flatMap((build): PeerContender[] => [
    { name: `LiveSocket${build.suffix}`, peer: 'livesocket', build },
    { name: `LiveWebSocket${build.suffix}`, peer: 'live-web-socket', build },
  ])
  return [...builds, ...OTHERS.map(([name, peer]) => ({ name, peer, build: stage.present }))]
}
