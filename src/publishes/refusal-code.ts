import type { LiveSocketErrorCode } from '../base/errors.js'

const OWN = ['outcome-unknown', 'forbidden', 'too-large'] as const

/** What a `nack` with that code is to the application. */
export function refusalCode(code: string): LiveSocketErrorCode {
  return OWN.find((own) => own === code) ?? 'refused'
}
