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

/** The fields that the gateway reads. Every other field goes to the provider unchanged. */
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
  @ArrayMaxSize(10_000) // rules are checked from the last to the first
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

/** Tells whether the caller asks for a last chunk with the number of tokens. */
export function wantsUsage({ stream_options: options }: ChatRequest): boolean {
  return (options as { include_usage?: unknown } | null | undefined)?.include_usage === true;
}

function isMessage(candidate: unknown): boolean {
  return typeof (candidate as Partial<Message> | null)?.role === 'string';
}
