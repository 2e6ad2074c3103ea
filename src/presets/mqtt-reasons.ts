import { explain } from '../base/explanation.js'

/** In words, why a broker refuses a connection or a publish: return codes of MQTT 3.1.1 and reason codes of MQTT 5. */
const WORDS: Record<number, string> = {
  1: explain`it does not speak this version of MQTT`,
  2: explain`the client identifier is not allowed`,
  3: 'it is not available',
  4: 'bad user name or password',
  5: 'not authorized',
  129: explain`it cannot read a packet`,
  130: 'a protocol error',
  132: explain`it does not speak this version of MQTT`,
  133: explain`the client identifier is not allowed`,
  134: 'bad user name or password',
  135: 'not authorized',
  136: 'it is not available',
  137: 'it is busy',
  139: 'it shuts down',
  140: 'bad authentication method',
  141: explain`it received nothing for longer than the keep-alive`,
  142: explain`another client has taken over the client identifier`,
  143: 'invalid topic filter',
  144: 'invalid topic name',
  147: explain`more messages were under way than it accepts`,
  149: 'the packet is too large',
  151: 'a quota is exceeded',
  152: 'administrative action',
  154: explain`it keeps no retained messages`,
  155: 'QoS not supported',
  156: 'use another server',
  157: 'the server has moved',
  158: explain`it has no shared subscriptions`,
}
const UNAUTHORIZED = new Set([4, 5, 0x86, 0x87, 0x8c])
export const TAKEN_OVER = 0x8e

export function reasonOf(code: number, said?: unknown): string {
  const words = WORDS[code] ?? `reason code 0x${code.toString(16)}`
  return typeof said === 'string' && said !== '' ? `${words}: ${said}` : words
}

export function isUnauthorized(code: number): boolean {
  return UNAUTHORIZED.has(code)
}
