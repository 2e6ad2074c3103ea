import { createHash } from 'node:crypto'
import type { MemberRow } from '../../protocol/members.js'

export interface Who {
  readonly session: string
  readonly subject: string | undefined
}

/**
 * The ids of a member and of its connection. They are the same on every server, and neither the session nor the subject
 * can be found from them, not even by guessing.
 */
export function memberIds({ session, subject }: Who, salt: string): readonly [member: string, connection: string] {
  const id = (kind: string, name: string) =>
    createHash('sha256').update(`${salt} ${kind} ${name}`).digest('base64url').slice(0, 16)
  const connection = id('session', session)
  return [subject === undefined ? connection : id('subject', subject), connection]
}

/** What is told about a member that leaves. */
export function idsOf(row: string): string {
  const [member, connection] = JSON.parse(row) as MemberRow
  return JSON.stringify([member, connection])
}
