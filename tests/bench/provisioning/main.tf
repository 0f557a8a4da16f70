# The same stack for Terraform; variables and provider settings come from the environment.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  skip_credentials_validation = true
  skip_metadata_api_check     = true
}

variable "max_vcpus" { type = number }

locals {
  name = "terraform"
  services = {
    batch  = "batch"
    exec   = "ecs-tasks"
    job    = "ecs-tasks"
    states = "states"
  }
  managed = {
    batch = "AWSBatchServiceRole"
    exec  = "AmazonECSTaskExecutionRolePolicy"
  }
}

resource "aws_vpc" "it" {
  cidr_block           = "10.1.0.0/16"
  enable_dns_hostnames = true
  tags                 = { Name = local.name }
}

resource "aws_subnet" "it" {
  for_each   = { public = "10.1.1.0/24", private = "10.1.2.0/24" }
  vpc_id     = aws_vpc.it.id
  cidr_block = each.value
}

resource "aws_security_group" "it" {
  name   = local.name
  vpc_id = aws_vpc.it.id
  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_internet_gateway" "it" {
  vpc_id = aws_vpc.it.id
}

resource "aws_eip" "it" {
  domain = "vpc"
}

resource "aws_nat_gateway" "it" {
  allocation_id = aws_eip.it.id
  subnet_id     = aws_subnet.it["public"].id
  depends_on    = [aws_internet_gateway.it]
}

resource "aws_route_table" "it" {
  for_each = aws_subnet.it
  vpc_id   = aws_vpc.it.id
}

resource "aws_route" "public" {
  route_table_id         = aws_route_table.it["public"].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.it.id
}

resource "aws_route" "private" {
  route_table_id         = aws_route_table.it["private"].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.it.id
}

resource "aws_route_table_association" "it" {
  for_each       = aws_subnet.it
  subnet_id      = each.value.id
  route_table_id = aws_route_table.it[each.key].id
}

resource "aws_iam_role" "it" {
  for_each = local.services
  name     = "${local.name}-${each.key}"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "${each.value}.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "it" {
  for_each   = local.managed
  role       = aws_iam_role.it[each.key].name
  policy_arn = "arn:aws:iam::aws:policy/service-role/${each.value}"
}

resource "aws_iam_role_policy" "states" {
  name = local.name
  role = aws_iam_role.it["states"].id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["batch:*", "events:*"], Resource = "*" }]
  })
}

resource "aws_cloudwatch_log_group" "it" {
  name              = "/${local.name}"
  retention_in_days = 30
}

resource "aws_dynamodb_table" "it" {
  name         = local.name
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"
  attribute {
    name = "id"
    type = "S"
  }
}

resource "aws_batch_compute_environment" "it" {
  compute_environment_name = local.name
  type                     = "MANAGED"
  service_role             = aws_iam_role.it["batch"].arn
  compute_resources {
    type               = "FARGATE"
    max_vcpus          = var.max_vcpus
    subnets            = [aws_subnet.it["private"].id]
    security_group_ids = [aws_security_group.it.id]
  }
  depends_on = [aws_iam_role_policy_attachment.it]
}

resource "aws_batch_job_queue" "it" {
  name     = local.name
  state    = "ENABLED"
  priority = 1
  compute_environment_order {
    order               = 1
    compute_environment = aws_batch_compute_environment.it.arn
  }
}

resource "aws_batch_job_definition" "it" {
  name                  = local.name
  type                  = "container"
  platform_capabilities = ["FARGATE"]
  container_properties = jsonencode({
    image            = "public.ecr.aws/docker/library/busybox:1"
    executionRoleArn = aws_iam_role.it["exec"].arn
    jobRoleArn       = aws_iam_role.it["job"].arn
    resourceRequirements = [
      { type = "VCPU", value = "1" },
      { type = "MEMORY", value = "2048" },
    ]
  })
}

resource "aws_sfn_state_machine" "it" {
  name     = local.name
  role_arn = aws_iam_role.it["states"].arn
  definition = jsonencode({
    StartAt = "Job"
    States = {
      Job = {
        Type     = "Task"
        Resource = "arn:aws:states:::batch:submitJob.sync"
        End      = true
        Parameters = {
          JobName       = local.name
          JobQueue      = aws_batch_job_queue.it.arn
          JobDefinition = aws_batch_job_definition.it.arn
        }
      }
    }
  })
}
