import { bytes } from './bytes/bytes.js'
import { cpu } from './cpu/cpu.js'
import { heap } from './heap/heap.js'
import type { Part } from './kit/measure.js'
import { latencyPart } from './latency/latency.js'
import { publish } from './publish/publish.js'
import { server } from './server/server.js'
import { throughput } from './throughput/throughput.js'

/** The parts of the table, in its order. */
export const PARTS: readonly Part[] = [bytes, cpu, throughput, heap, publish, latencyPart, server]
