import type { StandardSchemaV1 } from '@standard-schema/spec'
import { explain } from '../base/explanation.js'
import { checkData } from '../base/standard-schema.js'
import { eachBy, invalid, isObject, readOptions } from './option-table.js'

const SIDES = { input: schema, output: schema }

/**
 * Part of a live socket: the rules of the options `schemas` and `methods`, and the function that checks data by them.
 */
export const schemas = {
  topics: eachBy(schema),
  methods: eachBy((name, given) => readOptions(SIDES, given, name)),
  check: checkData,
} as const

function schema(name: string, given: unknown): StandardSchemaV1 | undefined {
  if (given === undefined) return undefined
  const standard =
    isObject(given) || typeof given === 'function' ? (given as Partial<StandardSchemaV1>)['~standard'] : null
  if (typeof standard?.validate !== 'function')
    throw invalid(name, explain`a Standard Schema (zod, valibot, arktype, …)`, given)
  return given as StandardSchemaV1
}
