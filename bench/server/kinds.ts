import type { LegWords, ServerKind } from './kind.js'

export const KINDS = {
  livesocket: () => import('./kinds/livesocket.js'),
  ws: () => import('./kinds/ws.js'),
  'socket-io': () => import('./kinds/socket-io.js'),
} satisfies Record<string, () => Promise<{ kind: ServerKind; words: LegWords }>>

export type KindName = keyof typeof KINDS
