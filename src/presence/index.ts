export { presence, type Presence, type PresenceOptions } from './presence.js'
export type { Member, MemberConnection } from '../protocol/members.js'
