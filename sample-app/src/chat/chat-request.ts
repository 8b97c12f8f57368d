import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsOptional,
  Length,
  ValidateBy,
} from 'class-validator';

export interface Message {
  readonly role: string;
  readonly content?: unknown;
}

/** What the gateway itself looks at; every other field goes to the provider as it is. */
export class ChatRequest {
  [field: string]: unknown;

  @Length(1, 200)
  model = '';

  @ValidateBy(
    {
      name: 'isMessage',
      validator: {
        validate: isMessage,
        defaultMessage: () => 'each of messages must be an object with a role',
      },
    },
    { each: true },
  )
  @ArrayMinSize(1)
  @ArrayMaxSize(10_000) // a rule is checked before those above it
  @IsArray()
  messages: Message[] = [];

  @IsOptional()
  @ArrayMaxSize(1_000)
  @IsArray()
  tools?: unknown[] | null;

  @IsOptional()
  @IsBoolean()
  stream?: boolean;
}

/** Whether a stream is to end with the number of its tokens. */
export function wantsUsage({ stream_options: options }: ChatRequest): boolean {
  return (options as { include_usage?: unknown } | null | undefined)?.include_usage === true;
}

function isMessage(candidate: unknown): boolean {
  return typeof (candidate as Partial<Message> | null)?.role === 'string';
}
