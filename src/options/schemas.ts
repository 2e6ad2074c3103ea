import type { StandardSchemaV1 } from '@standard-schema/spec'
import { explain } from '../base/explanation.js'
import { checkData } from '../base/standard-schema.js'
import type { MethodSchemas } from '../protocol/method-types.js'
import { invalid, isObject, reading, section } from './option-table.js'

/** Part of a live socket: the options `schemas` and `methods`, and what checks data by them. */
export const schemas = { topics: checkSchemas, methods: checkMethods, check: checkData } as const

function checkSchemas(given: unknown): ReadonlyMap<string, StandardSchemaV1> | undefined {
  if (given === undefined) return undefined
  const schemas = Object.entries(section('schemas', given))
  for (const [topic, schema] of schemas) check(`schemas.${topic}`, schema)
  return new Map(schemas as [string, StandardSchemaV1][])
}

function checkMethods(given: unknown): MethodSchemas | undefined {
  if (given === undefined) return undefined
  const methods = section('methods', given)
  for (const [method, sides] of Object.entries(methods)) {
    for (const side of ['input', 'output']) {
      const schema = isObject(sides) ? reading(`methods.${method}`, () => sides[side]) : null
      if (schema !== undefined) check(`methods.${method}.${side}`, schema)
    }
  }
  return methods as MethodSchemas
}

function check(name: string, schema: unknown) {
  if (!reading(name, () => isSchema(schema)))
    throw invalid(name, explain`a Standard Schema (zod, valibot, arktype, …)`, schema)
}

function isSchema(value: unknown): boolean {
  if (!isObject(value) && typeof value !== 'function') return false
  const standard: unknown = (value as Partial<StandardSchemaV1>)['~standard']
  return isObject(standard) && typeof standard.validate === 'function'
}
