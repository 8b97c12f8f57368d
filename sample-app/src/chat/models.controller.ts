import { Controller, Get, UseGuards } from '@nestjs/common';
import { CallerGuard, FromCaller, type Caller } from '../keys/caller';
import { PermittedModels } from './permitted-models';

@Controller('v1/models')
@UseGuards(CallerGuard)
export class ModelsController {
  readonly #created = Math.floor(Date.now() / 1_000);

  constructor(private readonly models: PermittedModels) {}

  @Get()
  list(@FromCaller() caller: Caller): object {
    const data = this.models.of(caller).map(({ name, provider }) => ({
      id: name,
      object: 'model',
      created: this.#created,
      owned_by: provider,
    }));
    return { object: 'list', data };
  }
}
