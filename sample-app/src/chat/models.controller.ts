import { Controller, Get, Param, UseGuards } from '@nestjs/common';
import { type Model } from '../config/model-list';
import { CallerGuard, FromCaller, type Caller } from '../keys/caller';
import { PermittedModels } from './permitted-models';

@Controller(['v1/models', 'models'])
@UseGuards(CallerGuard)
export class ModelsController {
  readonly #created = Math.floor(Date.now() / 1_000);

  constructor(private readonly models: PermittedModels) {}

  @Get()
  list(@FromCaller() caller: Caller): object {
    return { object: 'list', data: this.models.list(caller).map((model) => this.toAnswer(model)) };
  }

  /** Finds a model by its name. The name may hold slashes, escaped or not, as in LiteLLM. */
  @Get('*name')
  find(@Param('name') name: string | readonly string[], @FromCaller() caller: Caller): object {
    return this.toAnswer(this.models.findVisible([name].flat().join('/'), caller));
  }

  private toAnswer({ name, provider }: Model): object {
    return { id: name, object: 'model', created: this.#created, owned_by: provider };
  }
}
